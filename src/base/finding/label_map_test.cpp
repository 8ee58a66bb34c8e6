#include "base/finding/label_map.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace fovea {
namespace {

Volume two_layers() {
  Volume out{upright({2, 1, 1}, {}), Type::f64, Unit::arbitrary, 2};
  auto const voxels = out.write<double>();
  voxels[0] = 3;
  voxels[1] = 0;
  voxels[2] = 3;
  voxels[3] = 500;
  return out;
}

TEST(LabelMap, NumbersOfAVolumeBecomeSegmentsOfTheirLayer) {
  auto const map = label_map_of(two_layers());
  check(map);
  ASSERT_EQ(map.segments.size(), 3);
  EXPECT_EQ(map.segments[0].name, "3");
  EXPECT_EQ(map.segments[2].layer, 1);
  EXPECT_EQ(map.segments[2].value, 500);
  auto const mask = mask_of(map, map.segments[1]);
  EXPECT_EQ(mask.as<std::uint8_t>()[0], 1);
  EXPECT_EQ(mask.as<std::uint8_t>()[1], 0);
}

TEST(LabelMap, ImagesAreNoLabelMaps) {
  for (double const value : {0.5, -1.0, 65536.0, std::numeric_limits<double>::quiet_NaN()}) {
    auto image = two_layers();
    image.write<double>()[1] = value;
    EXPECT_THROW(label_map_of(image), Error) << value;
  }
}

TEST(LabelMap, FractionsComeBackAsTheyAre) {
  LabelMap map{Volume{upright({1, 1, 1}, {}), Type::f32, Unit::one, 2},
               {{.layer = 1, .name = "tumour"}},
               true};
  map.voxels.write<float>()[1] = 0.25F;
  check(map);
  EXPECT_EQ(mask_of(map, map.segments[0]).as<float>()[0], 0.25F);
}

TEST(LabelMap, WhatDoesNotFitTogetherIsRefused) {
  auto const good = label_map_of(two_layers());
  auto twice = good;
  twice.segments.push_back(twice.segments[0]);
  EXPECT_THROW(check(twice), Error);
  auto nowhere = good;
  nowhere.segments[0].layer = 2;
  EXPECT_THROW(check(nowhere), Error);
  auto nothing = good;
  nothing.segments[0].value = 0;
  EXPECT_THROW(check(nothing), Error);
  auto image = good;
  image.voxels = two_layers();
  EXPECT_THROW(check(image), Error);
}

}  // namespace
}  // namespace fovea
