#include "learn/segment/model.hpp"

#include "learn/segment/test_models.hpp"

#include <gtest/gtest.h>

namespace fovea {
namespace {

TEST(SegmentContract, IsRefusedWhereValuesAndStructuresDoNotMatch) {
  auto const model = test_segmenter({});
  EXPECT_EQ(segment_contract(model.about).rule.values.size(), 2U);
  for (auto const& values : {Json::array(), Json::array({1}), Json::array({0, 1, 2})}) {
    auto damaged = model.about;
    damaged.decoding["values"] = values;
    EXPECT_THROW(segment_contract(damaged), Error) << values.dump();
  }
  auto nothing = model.about;
  nothing.labels.clear();
  nothing.decoding["structures"] = Json::array();
  nothing.decoding["values"] = Json::array({0});
  EXPECT_THROW(segment_contract(nothing), Error);
}

}  // namespace
}  // namespace fovea
