#include "base/geometry/surface_elements.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

Volume elements_slab(std::int64_t from, std::int64_t to, std::int64_t depth = 4) {
  Volume out{upright({9, 6, depth}, {{1, 2, 3}}), Type::u8};
  auto const voxels = out.write<std::uint8_t>();
  for (std::size_t n = 0; n < voxels.size(); ++n) {
    auto const i = static_cast<std::int64_t>(n % 9);
    voxels[n] = i >= from && i < to ? 1 : 0;
  }
  return out;
}

}  // namespace

// learn/score holds it against surface-distance itself.
TEST(SurfaceDiceByArea, IsAllOfItForEqualMasksAndRisesWithTheTolerance) {
  for (auto const depth : {1, 4}) {
    auto const a = elements_slab(2, 6, depth), b = elements_slab(3, 7, depth);
    EXPECT_EQ(surface_dice_by_area(a, a, 0), 1);
    auto const exact = surface_dice_by_area(a, b, 0).value();
    EXPECT_GT(exact, 0);
    EXPECT_LT(exact, 1);
    EXPECT_EQ(surface_dice_by_area(a, b, 1), 1);
    EXPECT_EQ(surface_dice_by_area(a, b, 0, 1), surface_dice_by_area(b, a, 0, 3));
  }
}

TEST(SurfaceDiceByArea, IsZeroWithoutAnOtherSurfaceAndNoneWithoutAny) {
  auto const full = elements_slab(2, 6), empty = elements_slab(0, 0);
  EXPECT_EQ(surface_dice_by_area(full, empty, 5), 0);
  EXPECT_EQ(surface_dice_by_area(empty, full, 5), 0);
  EXPECT_FALSE(surface_dice_by_area(empty, empty, 5));
}

TEST(SurfaceDiceByArea, RefusesWhatHasNoAnswer) {
  auto const mask = elements_slab(2, 6);
  auto sheared = mask.grid();
  sheared.axes[2].mm[1] = 1;
  Volume const leaning{sheared, Type::u8}, two{mask.grid(), Type::u8, Unit::one, 2};
  EXPECT_THROW(surface_dice_by_area(leaning, leaning, 1), Error);
  EXPECT_THROW(surface_dice_by_area(mask, two, 1), Error);
  EXPECT_THROW(surface_dice_by_area(mask, elements_slab(2, 6, 3), 1), Error);
  EXPECT_THROW(surface_dice_by_area(mask, mask, -1), Error);
  EXPECT_THROW(surface_dice_by_area(mask, mask, NAN), Error);
}

}  // namespace fovea
