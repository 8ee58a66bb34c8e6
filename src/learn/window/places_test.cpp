#include "learn/window/places.hpp"

#include "base/core/error.hpp"
#include "learn/window/taps.hpp"
#include "learn/window/way_back.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

using Starts = std::vector<std::int64_t>;

// The first two are nnU-Net's own example and a case of ties: numpy rounds halves to even.
TEST(WindowStarts, AreThoseOfTheOthers) {
  struct {
    std::int64_t size, tile;
    double step;
    WindowPlaces places;
    Starts starts;
  } const rows[] = {
      {110, 64, 0.5, WindowPlaces::even, {0, 23, 46}},
      {13, 8, 0.5, WindowPlaces::even, {0, 2, 5}},
      {512, 128, 0.5, WindowPlaces::even, {0, 64, 128, 192, 256, 320, 384}},
      {64, 64, 0.5, WindowPlaces::even, {0}},
      {20, 64, 0.5, WindowPlaces::even, {0}},
      {65, 64, 1, WindowPlaces::even, {0, 1}},
      {4, 1, 0.5, WindowPlaces::even, {0, 1, 2, 3}},
      {110, 64, 0.5, WindowPlaces::fixed, {0, 32, 46}},
      {96, 64, 0.5, WindowPlaces::fixed, {0, 32}},
      {100, 96, 0.75, WindowPlaces::fixed, {0, 4}},
      {5, 2, 0.1, WindowPlaces::fixed, {0, 1, 2, 3}},
  };
  for (auto const& row : rows)
    EXPECT_EQ(window_starts(row.size, row.tile, row.step, row.places), row.starts)
        << row.size << " " << row.tile;
}

TEST(WindowStarts, LeaveNoVoxelOut) {
  for (auto const places : {WindowPlaces::even, WindowPlaces::fixed}) {
    for (std::int64_t size = 1; size < 60; ++size) {
      for (std::int64_t tile = 1; tile < 20; ++tile) {
        for (auto const step : {0.1, 0.5, 0.7, 1.0}) {
          auto const starts = window_starts(size, tile, step, places);
          EXPECT_EQ(starts.front(), 0);
          EXPECT_EQ(starts.back(), std::max<std::int64_t>(size - tile, 0));
          for (std::size_t n = 1; n < starts.size(); ++n) {
            ASSERT_GT(starts[n], starts[n - 1]);
            ASSERT_LE(starts[n], starts[n - 1] + tile);
          }
        }
      }
    }
  }
}

TEST(WindowStarts, RefuseStepsThatLeaveGaps) {
  EXPECT_THROW(window_starts(10, 5, 0), Error);
  EXPECT_THROW(window_starts(10, 5, 1.01), Error);
  EXPECT_THROW(window_starts(10, 5, std::nan("")), Error);
  EXPECT_THROW(window_starts(0, 5, 0.5), Error);
  EXPECT_THROW(window_starts(5, 0, 0.5), Error);
}

// scipy.ndimage.gaussian_filter of a point, and MONAI's compute_importance_map, for windows of
// 6 and 5; both divided by their largest.
TEST(WindowWeights, AreThoseOfTheOthers) {
  struct {
    std::int64_t tile;
    WindowBlend blend;
    std::vector<float> weights;
  } const rows[] = {
      {6, WindowBlend::flat, {1, 1, 1, 1, 1, 1}},
      {6,
       WindowBlend::gaussian,
       {3.3546263e-4F, 0.028565500F, 0.41111229F, 1, 0.41111229F, 0.028565500F}},
      {5, WindowBlend::gaussian, {5.9760227e-3F, 0.27803730F, 1, 0.27803730F, 5.9760227e-3F}},
      {5, WindowBlend::floored, {5.9760227e-3F, 0.27803730F, 1, 0.27803730F, 5.9760227e-3F}},
      {1, WindowBlend::gaussian, {1}},
  };
  for (auto const& row : rows) {
    auto const weights = window_weights(row.tile, row.blend);
    ASSERT_EQ(weights.size(), row.weights.size());
    for (std::size_t n = 0; n < weights.size(); ++n)
      EXPECT_NEAR(weights[n], row.weights[n], 1e-6 * row.weights[n]);
  }
}

TEST(AxisApart, FollowsNnUNet) {
  struct {
    std::array<double, 3> from, to;
    std::optional<int> axis;
  } const rows[] = {
      {{1, 1, 1}, {1, 1, 1}, {}},          {{3, 1, 1}, {3, 1, 1}, {}},  // not above 3
      {{3.1, 1, 1}, {1, 1, 1}, 0},         {{1, 1, 1}, {1, 5, 1}, 1},
      {{1, 1, 4}, {5, 1, 1}, 2},            // where it begins decides first
      {{0.24, 1.25, 1.25}, {1, 1, 1}, {}},  // two share it
      {{0.24, 1.25, 1.25}, {9, 1, 1}, {}},  // and the end is not asked any more
  };
  for (auto const& row : rows) EXPECT_EQ(axis_apart(row.from, row.to), row.axis);
  EXPECT_THROW(axis_apart({1, 0, 1}, {1, 1, 1}), Error);
  EXPECT_THROW(axis_apart({1, 1, 1}, {1, 1, std::nan("")}), Error);
}

// scikit-image's resize and scipy's map_coordinates of 0, 1, 2 … to other lengths.
TEST(AxisTaps, GiveWhatTheOthersGive) {
  struct {
    std::int64_t from, to;
    bool nearest;
    std::vector<double> values;
  } const rows[] = {
      {3, 3, false, {0, 1, 2}},  {2, 4, false, {0, 0.25, 0.75, 1}},
      {4, 2, false, {0.5, 2.5}}, {3, 2, false, {0.25, 1.75}},
      {1, 3, false, {0, 0, 0}},  {2, 4, true, {0, 0, 1, 1}},
      {4, 2, true, {1, 3}},      {3, 5, true, {0, 0, 1, 2, 2}},
  };
  for (auto const& row : rows) {
    auto const taps = taps_of(row.from, row.to, row.nearest);
    ASSERT_EQ(taps.size(), row.to);
    for (std::size_t n = 0; n < row.values.size(); ++n) {
      auto const part = static_cast<double>(taps.part[n]);
      EXPECT_NEAR(static_cast<double>(taps.low[n]) * (1 - part) +
                      static_cast<double>(taps.high[n]) * part,
                  row.values[n], 1e-6);
    }
  }
}

}  // namespace
}  // namespace fovea
