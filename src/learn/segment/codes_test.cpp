#include "learn/segment/codes.hpp"

#include "base/core/error.hpp"
#include "base/finding/structures.hpp"

#include <gtest/gtest.h>

namespace fovea {
namespace {

TEST(StructureCodes, GoIntoAModelAndBack) {
  auto kidney = segment_named("left kidney");
  kidney.colour = {200, 10, 0};
  auto const back = read_codes(
      Json::parse(codes_json({kidney, Segment{}, segment_named("liver")}).dump()), 3);
  ASSERT_EQ(back.size(), 3U);
  EXPECT_EQ(back[0].category, kidney.category);
  EXPECT_EQ(back[0].type, kidney.type);
  EXPECT_EQ(back[0].side, kidney.side);
  EXPECT_EQ(back[0].colour, kidney.colour);
  EXPECT_FALSE(kidney.side.empty());
  EXPECT_TRUE(back[1].type.empty());
  EXPECT_EQ(back[2].type, segment_named("liver").type);
  EXPECT_TRUE(read_codes(Json{}, 3).empty());
  EXPECT_TRUE(read_codes(Json::array(), 3).empty());
}

TEST(StructureCodes, ThatAreDamagedAreRefused) {
  for (auto const* const damaged :
       {"3", "[null,null]", "[3]", "[{}]", R"([{"type":["1","SCT","x"]}])",
        R"([{"type":["1","SCT"],"category":["1","SCT","x"]}])",
        R"([{"type":["1","SCT",7],"category":["1","SCT","x"]}])",
        R"([{"type":["1","SCT","x"],"category":["1","SCT","x"],"colour":[1,2]}])",
        R"([{"type":["1","SCT","x"],"category":["1","SCT","x"],"colour":[1,2,-3]}])"}) {
    SCOPED_TRACE(damaged);
    EXPECT_THROW(read_codes(Json::parse(damaged), 1), Error);
  }
}

}  // namespace
}  // namespace fovea
