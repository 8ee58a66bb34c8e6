#include "base/image/grid.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <type_traits>

namespace fovea {
namespace {

static_assert(!std::is_convertible_v<Point, Spacing>, "an origin is not a spacing");
static_assert(!std::is_convertible_v<Index, Point>,
              "a place in the array is not one in the patient");

void expect_point(Point got, double x, double y, double z) {
  EXPECT_NEAR(got.mm[0], x, 1e-12);
  EXPECT_NEAR(got.mm[1], y, 1e-12);
  EXPECT_NEAR(got.mm[2], z, 1e-12);
}

TEST(Grid, FindsVoxelsInThePatient) {
  auto const grid = upright({4, 3, 2}, {{0.5, 2, 5}}, {{-10, 20, 30}});
  expect_point(grid.point_of({}), -10, 20, 30);
  expect_point(grid.point_of({{3, 2, 1}}), -8.5, 24, 35);
  expect_point(grid.point_of({{-0.5, 0, 0}}), -10.25, 20, 30);
  EXPECT_EQ(grid.spacing().mm, (std::array<double, 3>{0.5, 2, 5}));
}

TEST(Grid, FollowsTurnedAxes) {
  Grid grid{.size = {2, 2, 2}, .origin = {{1, 2, 3}}};
  grid.axes = {{{{0, 3, 0}}, {{-4, 0, 0}}, {{0, 0, 5}}}};
  expect_point(grid.point_of({{1, 0, 0}}), 1, 5, 3);
  expect_point(grid.point_of({{0, 1, 0}}), -3, 2, 3);
  EXPECT_EQ(grid.spacing().mm, (std::array<double, 3>{3, 4, 5}));
  EXPECT_FALSE(grid.sheared());
}

TEST(Grid, IsShearedBeyondAHundredthOfADegree) {
  for (auto const& [degrees, sheared] :
       {std::pair{0.0, false}, {0.009, false}, {0.011, true}, {-20.0, true}}) {
    auto grid = upright({2, 2, 2}, {{1, 1, 5}});
    auto const angle = degrees * std::numbers::pi / 180;
    grid.axes[2] = {{0, 5 * std::sin(angle), 5 * std::cos(angle)}};
    EXPECT_EQ(grid.sheared(), sheared) << degrees;
  }
}

}  // namespace
}  // namespace fovea
