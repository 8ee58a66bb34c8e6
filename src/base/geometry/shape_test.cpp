#include "base/geometry/shape.hpp"

#include "base/core/rng.hpp"
#include "base/geometry/made/measures.hpp"
#include "base/geometry/surface_area.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace fovea {
namespace {

TEST(SegmentShape, IsWhatScipyAndSimpleItkSay) {
  auto const made = made_measures();
  for (auto const& each : made["cases"]) {
    SCOPED_TRACE(each.dump());
    auto const grid = made_grid(each);
    auto const mask = made_mask(grid, each["a"]);
    auto const all = marked_of(mask);
    ASSERT_EQ(all.size(), 1U);
    auto const out = shape_of(mask, all[0]);
    auto const& said = each["shape"];
    EXPECT_EQ(out.voxels, said["voxels"]);
    EXPECT_NEAR(out.volume_mm3, said["volume"], 1e-9 * out.volume_mm3);
    EXPECT_EQ(out.components, said["components"]);
    EXPECT_NEAR(out.longest.mm, said["longest"], 1e-9 * out.longest.mm);
    EXPECT_NEAR(out.axial.longest.mm, said["in_slice"], 1e-9 * out.longest.mm);
    EXPECT_EQ(out.box, box_of_marked(mask));
    for (std::size_t n = 0; n < 3; ++n) {
      EXPECT_NEAR(out.centre.mm[n] - grid.origin.mm[n], said["centre"][n], 1e-9);
      EXPECT_NEAR(out.spread_mm[n], said["spread"][n], 1e-6);
    }
    auto const ends = [](Diameter const& one) {
      return std::hypot(one.from.mm[0] - one.to.mm[0], one.from.mm[1] - one.to.mm[1],
                        one.from.mm[2] - one.to.mm[2]);
    };
    for (auto const& one : {out.longest, out.axial.longest, out.axial.across})
      EXPECT_NEAR(ends(one), one.mm, 1e-9);
    double dot = 0;
    for (std::size_t n = 0; n < 3; ++n)
      dot += (out.axial.longest.from.mm[n] - out.axial.longest.to.mm[n]) *
             (out.axial.across.from.mm[n] - out.axial.across.to.mm[n]);
    EXPECT_NEAR(dot, 0, 1e-9);
    EXPECT_LE(out.axial.across.mm, out.axial.longest.mm * (1 + 1e-12));
  }
}

// A slanted grid holds the same places as one at right angles where the slant is whole voxels.
TEST(SegmentShape, OfASlantedGridIsThatOfTheStraightOne) {
  auto const straight = upright({30, 40, 12}, {{0.5, 1, 2}});
  auto slanted = straight;
  slanted.axes[2].mm = {0, 1, 2};  // a row further back each slice
  Volume a{straight, Type::u8}, b{slanted, Type::u8};
  auto const at = [](std::int64_t i, std::int64_t j, std::int64_t k) {
    return static_cast<std::size_t>((k * 40 + j) * 30 + i);
  };
  for (std::int64_t k = 0; k < 12; ++k) {
    for (std::int64_t j = 0; j < 40; ++j) {
      for (std::int64_t i = 0; i < 30; ++i) {
        if (std::hypot((static_cast<double>(i) - 15) / 2, static_cast<double>(j) - 20,
                       2 * (static_cast<double>(k) - 6)) > 5.2)
          continue;
        a.write<std::uint8_t>()[at(i, j, k)] = 1;
        b.write<std::uint8_t>()[at(i, j - k, k)] = 1;
      }
    }
  }
  auto const one = shape_of(a, marked_of(a)[0]);
  auto const other = shape_of(b, marked_of(b)[0]);
  EXPECT_EQ(one.voxels, other.voxels);
  EXPECT_DOUBLE_EQ(one.volume_mm3, other.volume_mm3);
  EXPECT_DOUBLE_EQ(one.axial.longest.mm, other.axial.longest.mm);
  EXPECT_DOUBLE_EQ(one.axial.across.mm, other.axial.across.mm);
  for (std::size_t n = 0; n < 3; ++n) {
    EXPECT_NEAR(one.centre.mm[n], other.centre.mm[n], 1e-9);
    EXPECT_NEAR(one.spread_mm[n], other.spread_mm[n], 1e-9);
  }
  EXPECT_NEAR(one.surface_mm2 / other.surface_mm2, 1, 0.03);
}

TEST(SegmentShape, OfOneVoxelHasNoLongAxis) {
  Volume mask{upright({5, 5, 5}, {{1, 2, 4}}), Type::i16};
  mask.write<std::int16_t>()[62] = -3;
  auto const all = marked_of(mask);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].value, -3);
  auto const out = shape_of(mask, all[0]);
  EXPECT_EQ(out.longest.mm, 4);
  EXPECT_EQ(out.axial.longest.mm, 2);
  EXPECT_EQ(out.axial.across.mm, 1);
  EXPECT_EQ(out.axial.slice, 2);
  EXPECT_FALSE(out.elongation);
  EXPECT_EQ(out.spread_mm, (std::array{0.0, 0.0, 0.0}));
  EXPECT_EQ(out.extent.lower.mm, (std::array{1.5, 3.0, 6.0}));
}

TEST(SegmentShape, FindsTheAxialPlaneInOtherArrays) {
  auto grid = upright({4, 5, 6}, {});
  EXPECT_EQ(axial_axis(grid), 2U);
  grid.axes = {{{{0, 1, 0}}, {{0, 0.1, -1}}, {{1, 0, 0}}}};  // sagittal slices
  EXPECT_EQ(axial_axis(grid), 1U);
}

TEST(SurfaceArea, OfABallIsThatOfTheFormula) {
  for (auto const& [spacing, radius] : {std::pair{std::array{1.0, 1.0, 1.0}, 3.0},
                                        {{1, 1, 1}, 5},
                                        {{1, 1, 1}, 30.4},
                                        {{0.7, 0.7, 5}, 20},
                                        {{0.7, 0.7, 5}, 50},
                                        {{2, 0.5, 1}, 16}}) {
    SCOPED_TRACE(text(radius, " at ", spacing[2]));
    std::array<std::int64_t, 3> size{};
    for (std::size_t n = 0; n < 3; ++n)
      size[n] = static_cast<std::int64_t>(2 * radius / spacing[n]) + 5;
    auto const grid = upright(size, {spacing}, {{-radius - 1.3, -radius - 1.6, -radius - 1.8}});
    Volume mask{grid, Type::u8};
    auto voxel = mask.write<std::uint8_t>().begin();
    for (std::int64_t k = 0; k < size[2]; ++k) {
      for (std::int64_t j = 0; j < size[1]; ++j) {
        for (std::int64_t i = 0; i < size[0]; ++i) {
          auto const at = grid.point_of(
              {{static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)}});
          *voxel++ = std::hypot(at.mm[0], at.mm[1], at.mm[2]) <= radius ? 1 : 0;
        }
      }
    }
    EXPECT_NEAR(surface_area_mm2(mask) / (4 * std::numbers::pi * radius * radius), 1, 0.02);
  }
}

TEST(SurfaceArea, OfABoxIsSmallByLessThanAnEighth) {
  Volume mask{upright({20, 24, 28}, {{1.5, 1, 0.75}}), Type::u8};
  std::ranges::fill(mask.write<std::uint8_t>(), std::uint8_t{1});
  auto const area = 2 * (30.0 * 24 + 30 * 21 + 24 * 21);
  EXPECT_LT(surface_area_mm2(mask), area);
  EXPECT_GT(surface_area_mm2(mask), 0.875 * area);
}

TEST(Marked, CountsEachValueWhateverTheThreads) {
  Rng rng{4};
  Volume labels{upright({21, 13, 40}, {}), Type::u16};
  for (auto& voxel : labels.write<std::uint16_t>())
    voxel = static_cast<std::uint16_t>(rng.chance(0.4) ? 0 : 1 + 999 * rng.below(4));
  auto const all = marked_of(labels, 1);
  ASSERT_EQ(all.size(), 4U);
  for (auto const& one : all) {
    auto const voxels = labels.as<std::uint16_t>();
    EXPECT_EQ(std::ranges::count(voxels, one.value), one.voxels);
    auto const mask = mask_within(labels, one.value, one.box);
    EXPECT_EQ(std::ranges::count(mask.as<std::uint8_t>(), 1), one.voxels);
    std::array<double, 3> sum{};
    double ij = 0, kk = 0;
    for (std::int64_t n = 0; n < labels.voxels(); ++n) {
      if (voxels[static_cast<std::size_t>(n)] != one.value) continue;
      std::array const at{static_cast<double>(n % 21), static_cast<double>(n / 21 % 13),
                          static_cast<double>(n / 21 / 13)};
      for (std::size_t axis = 0; axis < 3; ++axis) sum[axis] += at[axis];
      ij += at[0] * at[1];
      kk += at[2] * at[2];
    }
    EXPECT_EQ(one.sum, sum);
    EXPECT_EQ(one.product[3], ij);
    EXPECT_EQ(one.product[2], kk);
  }
  auto const other = marked_of(labels, 3);
  for (std::size_t n = 0; n < all.size(); ++n) {
    EXPECT_EQ(all[n].product, other[n].product);
    EXPECT_EQ(all[n].box, other[n].box);
  }
  EXPECT_THROW(marked_of(Volume{labels.grid(), Type::f32}), Error);
}

TEST(Intensities, AreThoseOfTheSegmentAlone) {
  auto const grid = upright({5, 2, 1}, {});
  Volume labels{grid, Type::u8}, image{grid, Type::f32, Unit::hounsfield};
  std::array const marks{0, 2, 2, 0, 2, 2, 0, 2, 1, 0};
  auto const nan = std::numeric_limits<float>::quiet_NaN();
  std::array const values{9e9F, 4.F, 1.F, -7e9F, 3.F, 2.F, 0.F, nan, 5.F, 1e9F};
  std::ranges::copy(marks, labels.write<std::uint8_t>().begin());
  std::ranges::copy(values, image.write<float>().begin());
  auto const all = marked_of(labels);
  auto const out = intensities_of(image, labels, all.at(1));
  EXPECT_EQ(out.voxels, 4);
  EXPECT_EQ(out.left_out, 1);
  EXPECT_DOUBLE_EQ(out.mean, 2.5);
  EXPECT_DOUBLE_EQ(out.deviation, std::sqrt(1.25));
  EXPECT_EQ(out.least, 1);
  EXPECT_EQ(out.most, 4);
  EXPECT_DOUBLE_EQ(out.median, 2.5);
  EXPECT_DOUBLE_EQ(out.p95, 3.85);
  auto moved = grid;
  moved.origin.mm[2] = 3;
  EXPECT_THROW(intensities_of(Volume{moved, Type::f32}, labels, all[0]), Error);
}

}  // namespace
}  // namespace fovea
