#include "base/geometry/measured.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace fovea {
namespace {

Measurement measured_one(Finding const& finding,
                         std::string const& code,
                         std::string const& by = "") {
  for (auto const& one : finding.measurements)
    if (one.quantity.value == code && one.derivation.meaning == by) return one;
  ADD_FAILURE() << "no " << code << ' ' << by;
  return {};
}

TEST(Measured, CountsSizesAndValuesOfEachSegment) {
  Volume labels{upright({10, 10, 6}, {{0.5, 2, 3}}), Type::u8, Unit::arbitrary, 2};
  Volume image{labels.grid(), Type::i16, Unit::hounsfield};
  for (std::size_t k = 1; k < 3; ++k)
    for (std::size_t i = 2; i < 6; ++i) {
      labels.write<std::uint8_t>()[100 * k + 30 + i] = 3;
      image.write<std::int16_t>()[100 * k + 30 + i] = static_cast<std::int16_t>(10 * i);
    }
  labels.write_channel<std::uint8_t>(1)[7] = 3;
  auto map = label_map_of(labels);
  map.segments.push_back({.value = 9, .name = "absent"});
  auto const all = measured(map, &image);
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(measured_one(all[0], "118565006").value, 8 * 3.0);
  EXPECT_EQ(measured_one(all[0], "118565006").unit.value, "mm3");
  auto const layer = channel_of(labels, 0);
  auto const shape = shape_of(layer, marked_of(layer).front());
  EXPECT_EQ(measured_one(all[0], "103339001").value, shape.axial.longest.mm);
  EXPECT_EQ(measured_one(all[0], "103340004").value, shape.axial.across.mm);
  EXPECT_EQ(measured_one(all[0], "L0JK").value, shape.longest.mm);
  EXPECT_EQ(measured_one(all[0], "C0JK").value, shape.surface_mm2);
  EXPECT_EQ(measured_one(all[0], "112031", "Mean").value, 35);
  EXPECT_EQ(measured_one(all[0], "112031", "Minimum").value, 20);
  EXPECT_EQ(measured_one(all[0], "112031", "Maximum").value, 50);
  EXPECT_NEAR(measured_one(all[0], "112031", "Standard Deviation").value, std::sqrt(125), 1e-9);
  EXPECT_EQ(all[0].slices, (std::vector<std::size_t>{1, 2}));
  EXPECT_EQ(measured_one(all[1], "118565006").value, 3);
  ASSERT_EQ(all[2].measurements.size(), 1U);
  EXPECT_EQ(all[2].measurements[0].value, 0);
  EXPECT_EQ(measured(map)[0].measurements.size(), 5U);
  Volume counts{labels.grid(), Type::i16};
  EXPECT_EQ(measured(map, &counts)[0].measurements.size(), 5U);
}

TEST(Measured, RefusesFractionsAndImagesOfOtherPlaces) {
  Volume labels{upright({4, 4, 4}, {}), Type::u8};
  labels.write<std::uint8_t>()[5] = 1;
  Volume const elsewhere{upright({4, 4, 4}, {}, {{5, 0, 0}}), Type::i16, Unit::hounsfield};
  EXPECT_THROW(measured(label_map_of(labels), &elsewhere), Error);
  EXPECT_THROW(measured({Volume{upright({4, 4, 4}, {}), Type::f32}, {{}}, true}), Error);
}

}  // namespace
}  // namespace fovea
