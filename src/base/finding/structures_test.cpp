#include "base/finding/structures.hpp"

#include "base/core/error.hpp"

#include <gtest/gtest.h>

namespace fovea {
namespace {

TEST(SegmentNamed, FindsTheCodesOfCommonNames) {
  struct Case {
    char const *name, *type, *category, *side, *site;
  };
  Case const cases[] = {{"Liver", "10200004", "91723000", "", ""},
                        {"left kidney", "64033007", "91723000", "7771000", ""},
                        {"Kidney_R", "64033007", "91723000", "24028007", ""},
                        {"KIDNEYS", "64033007", "91723000", "", ""},
                        {"Left Ventricle", "87878005", "91723000", "", ""},
                        {"hippocampus-left", "5366008", "91723000", "7771000", ""},
                        {"liver tumour", "108369006", "49755003", "", "10200004"},
                        {"left lung nodule", "27925004", "49755003", "7771000", "39607008"},
                        {"fat", "55603005", "85756007", "", ""},
                        {"CSF", "65216001", "91720002", "", ""}};
  for (auto const& one : cases) {
    SCOPED_TRACE(one.name);
    auto const segment = segment_named(one.name);
    EXPECT_EQ(segment.name, one.name);
    EXPECT_EQ(segment.type.value, one.type);
    EXPECT_EQ(segment.category.value, one.category);
    EXPECT_EQ(segment.side.value, one.side);
    EXPECT_EQ(segment.site.value, one.site);
    EXPECT_FALSE(is_local(segment.type));
  }
}

TEST(SegmentNamed, GivesOtherNamesCodesOfOurOwn) {
  auto const one = segment_named("1");
  EXPECT_EQ(one.type, (Code{"1", "99FOVEA", "1"}));
  EXPECT_TRUE(is_local(one.category));
  auto const odd = segment_named("left ground glass opacity");
  EXPECT_TRUE(is_local(odd.type));
  EXPECT_TRUE(odd.side.empty());
  EXPECT_LE(odd.type.value.size(), 16U);
  EXPECT_EQ(odd.type.meaning, "left ground glass opacity");
  EXPECT_NE(odd.type.value, segment_named("left ground glass opacities").type.value);
  EXPECT_THROW(segment_named("  "), Error);
  EXPECT_THROW(segment_named(std::string(65, 'a')), Error);
}

TEST(Structures, ComeWithWholeCodes) {
  for (auto const& row : structures()) {
    SCOPED_TRACE(row.name);
    auto const segment = segment_named(row.name);
    EXPECT_EQ(segment.type.value, row.code);
    EXPECT_EQ(segment.type.scheme, "SCT");
    EXPECT_FALSE(segment.category.empty());
    EXPECT_TRUE(segment.side.empty());
  }
}

}  // namespace
}  // namespace fovea
