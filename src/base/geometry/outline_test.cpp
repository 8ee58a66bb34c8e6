#include "base/geometry/outline.hpp"

#include "base/core/error.hpp"
#include "base/core/rng.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace fovea {
namespace {

using Slice = std::vector<std::uint8_t>;

Slice outline_filled(std::vector<Outline> const& outlines,
                     std::int64_t width,
                     std::int64_t height) {
  OutlineFill fill{width, height};
  for (auto const& one : outlines) fill.add(one);
  Slice out(static_cast<std::size_t>(width * height));
  for (auto const& run : fill.take())
    std::fill(out.begin() + run.row * width + run.first,
              out.begin() + run.row * width + run.end, std::uint8_t{1});
  return out;
}

double outline_area(Outline const& outline) {
  double twice = 0;
  for (std::size_t i = 0; i < outline.size(); ++i) {
    auto const& a = outline[i];
    auto const& b = outline[(i + 1) % outline.size()];
    twice += a[0] * b[1] - b[0] * a[1];
  }
  return twice / 2;
}

// In pictures, '#' is inside.
Slice outline_picture(std::string_view rows) {
  Slice out;
  for (auto const letter : rows) out.push_back(letter == '#' ? 1 : 0);
  return out;
}

TEST(OutlineFill, TakesVoxelsWhoseCentresAreInside) {
  EXPECT_EQ(outline_filled({{{0.6, 0.4}, {3.4, 0.4}, {3.4, 2.2}, {0.6, 2.2}}}, 5, 4),
            outline_picture("....."
                            ".###."
                            ".###."
                            "....."));
  // A triangle; its right side passes (3, 1) at 3.2 and (3, 2) at 2.6.
  EXPECT_EQ(outline_filled({{{-0.5, 0.5}, {3.5, 0.5}, {-0.5, 4.5}}}, 5, 4),
            outline_picture("....."
                            "###.."
                            "##..."
                            "#...."));
}

TEST(OutlineFill, CountsACentreOnAnEdgeToTheSideOfHigherIndex) {
  EXPECT_EQ(outline_filled({{{1, 1}, {3, 1}, {3, 3}, {1, 3}}}, 5, 5), outline_picture("....."
                                                                                      ".##.."
                                                                                      ".##.."
                                                                                      "....."
                                                                                      "....."));
  // Two halves, cut through centres: each voxel belongs to one of them.
  for (auto const& [upper, lower] :
       {std::pair{Outline::value_type{0, 0}, Outline::value_type{4, 4}},
        {{4, 0}, {0, 4}},
        {{0, 1}, {4, 3}}}) {
    Slice sum(25);
    for (auto const side : {-9.0, 9.0}) {
      auto const half = outline_filled({{upper, lower, {side, 4.5}, {side, -0.5}}}, 5, 5);
      for (std::size_t n = 0; n < sum.size(); ++n) sum[n] += half[n];
    }
    for (auto j = static_cast<std::size_t>(upper[1]); static_cast<double>(j) < lower[1]; ++j)
      for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(sum[5 * j + i], 1) << i << ' ' << j;
  }
}

TEST(OutlineFill, LeavesHolesByXorAndByKeyholes) {
  auto const expected = outline_picture(
      "######"
      "#...##"
      "#...##"
      "######");
  Outline const outer{{-0.5, -0.5}, {5.5, -0.5}, {5.5, 3.5}, {-0.5, 3.5}};
  Outline const hole{{0.5, 0.5}, {3.5, 0.5}, {3.5, 2.5}, {0.5, 2.5}};
  EXPECT_EQ(outline_filled({outer, hole}, 6, 4), expected);
  // The line to the hole leads through centres, slanted.
  auto keyhole = outer;
  keyhole.insert(keyhole.end(), {outer[0], hole[0], hole[3], hole[2], hole[1], hole[0]});
  EXPECT_EQ(outline_filled({keyhole}, 6, 4), expected);
}

TEST(OutlineFill, IsTheSameInEveryDirectionAndFromEveryPoint) {
  Rng rng{3};
  for (int round = 0; round < 50; ++round) {
    Outline outline;
    for (int n = 0; n < 12; ++n)  // half of them on centres and faces
      outline.push_back({std::round(rng.uniform(-4, 20) * 2) / 2, rng.uniform(-4, 20)});
    auto const once = outline_filled({outline}, 16, 16);
    std::ranges::reverse(outline);
    std::ranges::rotate(outline, outline.begin() + round % 12);
    EXPECT_EQ(outline_filled({outline}, 16, 16), once);
    EXPECT_EQ(outline_filled({outline, outline}, 16, 16), Slice(256)) << "twice is not at all";
  }
}

TEST(OutlineFill, AgreesWithCountingByHandAwayFromEdges) {
  Rng rng{11};
  Outline outline;
  for (int n = 0; n < 40; ++n) outline.push_back({rng.uniform(-5, 30), rng.uniform(-5, 30)});
  auto const filled = outline_filled({outline}, 24, 20);
  for (std::size_t j = 0; j < 20; ++j) {
    for (std::size_t i = 0; i < 24; ++i) {
      int left = 0;
      for (std::size_t n = 0; n < outline.size(); ++n) {
        auto const& a = outline[n];
        auto const& b = outline[(n + 1) % outline.size()];
        auto const y = static_cast<double>(j);
        if ((a[1] <= y) == (b[1] <= y)) continue;
        left += a[0] + (y - a[1]) / (b[1] - a[1]) * (b[0] - a[0]) < static_cast<double>(i);
      }
      EXPECT_EQ(filled[24 * j + i], left % 2) << i << ' ' << j;
    }
  }
}

TEST(OutlineFill, RefusesPointsThatAreNowhere) {
  OutlineFill fill{4, 4};
  for (auto const value : {std::numeric_limits<double>::quiet_NaN(), 1e300})
    EXPECT_THROW(fill.add(Outline{{0, 0}, {1, value}, {value, 1}}), Error);
  EXPECT_TRUE(fill.take().empty());
  fill.add(Outline{});
  fill.add(Outline{{1, 1}});
  fill.add(Outline{{-1e9, -1e9}, {1e9, 1e9}});
  EXPECT_TRUE(fill.take().empty());
}

TEST(Outlines, FollowTheFacesOfVoxels) {
  auto const one = outlines_of(outline_picture("...."
                                               ".##."
                                               "...."),
                               4);
  EXPECT_EQ(one, (std::vector<Outline>{{{0.5, 0.5}, {2.5, 0.5}, {2.5, 1.5}, {0.5, 1.5}}}));
  EXPECT_TRUE(outlines_of(Slice(12), 4).empty());
  EXPECT_EQ(outlines_of(Slice(12, 1), 4).size(), 1U);
}

TEST(Outlines, JoinHolesByKeyholesAndPartWhatTouchesAtCorners) {
  auto const frame = outline_picture(
      "####"
      "#.##"
      "####");
  auto const ring = outlines_of(frame, 4);
  ASSERT_EQ(ring.size(), 1U);
  EXPECT_EQ(ring[0].size(), 10U);  // 4 + 4, and both ends of the line between them again
  EXPECT_EQ(outline_area(ring[0]), 11);
  auto const checks = outline_picture(
      "#.#."
      ".#.#"
      "#.#.");
  EXPECT_EQ(outlines_of(checks, 4).size(), 6U);
  auto const island = outline_picture(
      "#####"
      "#...#"
      "#.#.#"
      "#...#"
      "#####");
  EXPECT_EQ(outlines_of(island, 5).size(), 2U);
}

TEST(Outlines, GiveTheSameVoxelsBack) {
  Rng rng{5};
  for (int round = 0; round < 400; ++round) {
    auto const width = 1 + rng.below(24);
    auto const height = 1 + rng.below(24);
    auto const density = rng.uniform();
    Slice slice(static_cast<std::size_t>(width * height));
    for (auto& voxel : slice) voxel = rng.chance(density) ? 1 : 0;
    auto const outlines = outlines_of(slice, width);
    EXPECT_EQ(outline_filled(outlines, width, height), slice);
    double area = 0;
    Slice either(slice.size());
    for (auto const& one : outlines) {
      area += outline_area(one);
      // Each by itself, put together: what readers without even-odd do.
      auto const some = outline_filled({one}, width, height);
      for (std::size_t n = 0; n < some.size(); ++n) either[n] |= some[n];
      for (std::size_t n = 0; n < one.size(); ++n)
        EXPECT_NE(one[n], one[(n + 1) % one.size()]) << "a point twice";
    }
    EXPECT_EQ(area, static_cast<double>(std::ranges::count(slice, 1)));
    EXPECT_EQ(either, slice);
  }
}

}  // namespace
}  // namespace fovea
