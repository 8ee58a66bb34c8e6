#include "base/geometry/stack.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

// Slices at these heights above the first, each shifted along j by `lean` mm a mm.
SliceStack stack_test_made(std::vector<double> const& heights,
                           double lean,
                           double (*value)(Point const&)) {
  auto const depth = static_cast<std::int64_t>(heights.size());
  SliceStack out{Volume{upright({14, 12, depth}, {{0.8, 0.9, 1}}), Type::f64}, {}};
  auto voxel = out.voxels.write<double>().begin();
  for (auto const height : heights) {
    out.firsts.push_back({{-5, 7 + lean * height, 100 + height}});
    for (std::int64_t j = 0; j < 12; ++j) {
      for (std::int64_t i = 0; i < 14; ++i) {
        auto point = out.firsts.back();
        point.mm[0] += 0.8 * static_cast<double>(i);
        point.mm[1] += 0.9 * static_cast<double>(j);
        *voxel++ = value(point);
      }
    }
  }
  return out;
}

double stack_test_slope(Point const& at) {
  return 3 * at.mm[0] - 2 * at.mm[1] + 5 * at.mm[2];
}

double stack_test_waves(Point const& at) {
  return 100 * std::sin(at.mm[0]) + 70 * std::cos(0.8 * at.mm[1]) + 50 * std::sin(at.mm[2]);
}

TEST(SliceStack, KeepsEveryPlaceWhereTheDistanceChanges) {
  constexpr auto outside = 1e9;
  for (auto const lean : {0.0, 0.3}) {
    auto const stack = stack_test_made({0, 2, 4, 6, 9.5, 13, 16.5}, lean, stack_test_slope);
    auto const grid = straightened(stack);
    EXPECT_FALSE(grid.sheared());
    EXPECT_NEAR(grid.spacing().mm[2], 2, 1e-12);
    EXPECT_EQ(grid.size[2], 9);  // 16.5 mm: the last of 8 steps is half a mm short of the slice
    auto const out = resample(stack, grid, {.outside = outside});
    std::int64_t inside = 0;
    for (std::int64_t n = 0; n < out.voxels(); ++n) {
      Index const index{{static_cast<double>(n % out.width()),
                         static_cast<double>(n / out.width() % out.height()),
                         static_cast<double>(n / out.width() / out.height())}};
      auto const value = out.as<double>()[static_cast<std::size_t>(n)];
      if (value == outside) continue;
      ++inside;
      // Up to half a voxel beyond an edge its own value stands.
      EXPECT_NEAR(value, stack_test_slope(grid.point_of(index)), 1.5);
    }
    EXPECT_GT(inside, 14 * 11 * 9);
  }
}

TEST(SliceStack, IsAShearedGridWhereDistancesAreEqual) {
  auto const stack = stack_test_made({0, 2.5, 5, 7.5, 10}, 0.4, stack_test_waves);
  auto sheared = stack.voxels.grid();
  sheared.origin = stack.firsts.front();
  sheared.axes[2].mm = {0, 1, 2.5};
  Volume const same{sheared, Type::f64, Unit::arbitrary, 1, stack.voxels.bytes()};
  auto const grid = straightened(stack);
  auto const wanted = straightened(sheared);
  EXPECT_EQ(grid.size, wanted.size);
  for (std::size_t axis = 0; axis < 3; ++axis) {
    EXPECT_NEAR(grid.origin.mm[axis], wanted.origin.mm[axis], 1e-9);
    for (std::size_t row = 0; row < 3; ++row)
      EXPECT_NEAR(grid.axes[axis].mm[row], wanted.axes[axis].mm[row], 1e-9);
  }
  for (auto const one :
       {Interpolator::linear, Interpolator::nearest, Interpolator::label_linear}) {
    auto const a = resample(stack, wanted, {.interpolator = one, .outside = -7});
    auto const b = resample(same, wanted, {.interpolator = one, .outside = -7});
    double worst = 0;
    for (std::size_t n = 0; n < a.as<double>().size(); ++n)
      worst = std::max(worst, std::abs(a.as<double>()[n] - b.as<double>()[n]));
    EXPECT_LT(worst, 1e-9);
  }
}

TEST(SliceStack, TakesTheNearestSliceOfUnequalGaps) {
  auto const stack = stack_test_made({0, 1, 5}, 0, [](Point const& at) { return at.mm[2]; });
  auto const onto = upright({1, 1, 11}, {{1, 1, 0.5}}, {{0, 10, 100}});
  auto const out = resample(stack, onto, {.interpolator = Interpolator::nearest});
  std::vector<double> const expected{100, 101, 101, 101, 101, 101, 105, 105, 105, 105, 105};
  EXPECT_TRUE(std::ranges::equal(out.as<double>(), expected));
}

TEST(SliceStack, RefusesWhatHasNoOrder) {
  auto const good = stack_test_made({0, 2, 5}, 0, stack_test_slope);
  auto const grid = straightened(good);
  auto swapped = good;
  std::swap(swapped.firsts[1], swapped.firsts[2]);
  EXPECT_THROW(straightened(swapped), Error);
  auto doubled = good;
  doubled.firsts[1] = doubled.firsts[0];
  EXPECT_THROW(straightened(doubled), Error);
  auto fewer = good;
  fewer.firsts.pop_back();
  EXPECT_THROW(straightened(fewer), Error);
  auto nowhere = good;
  nowhere.firsts[1].mm[0] = NAN;
  EXPECT_THROW(straightened(nowhere), Error);
  EXPECT_THROW(resample(good, grid, {Interpolator::cubic}), Error);
  EXPECT_THROW(resample(good, grid, {.smooth = true}), Error);
  EXPECT_THROW(resample(good, upright({0, 1, 1}, {})), Error);
}

}  // namespace
}  // namespace fovea
