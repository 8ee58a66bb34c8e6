#include "base/geometry/distance.hpp"

#include "base/core/rng.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace fovea {
namespace {

Volume distance_test_mask(Grid const& grid, double share, Rng& rng) {
  Volume out{grid, Type::u8};
  for (auto& voxel : out.write<std::uint8_t>()) voxel = rng.chance(share) ? 1 : 0;
  return out;
}

// Every voxel against every source.
std::vector<double> distance_test_searched(Grid const& grid, std::vector<char> const& sources) {
  std::vector<double> out;
  auto const place = [&](std::size_t n) {
    auto const at = static_cast<std::int64_t>(n);
    return grid
        .point_of({{static_cast<double>(at % grid.size[0]),
                    static_cast<double>(at / grid.size[0] % grid.size[1]),
                    static_cast<double>(at / grid.size[0] / grid.size[1])}})
        .mm;
  };
  for (std::size_t n = 0; n < sources.size(); ++n) {
    auto best = std::numeric_limits<double>::infinity();
    auto const here = place(n);
    for (std::size_t m = 0; m < sources.size(); ++m) {
      if (sources[m] == 0) continue;
      auto const there = place(m);
      best = std::min(best,
                      std::hypot(here[0] - there[0], here[1] - there[1], here[2] - there[2]));
    }
    out.push_back(best);
  }
  return out;
}

TEST(DistanceMap, IsWhatASearchFindsOnOddGrids) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng{{seed, 2}};
    auto grid = upright({1 + rng.below(14), 1 + rng.below(11), 1 + rng.below(8)},
                        {{rng.uniform(0.2, 4), rng.uniform(0.2, 4), rng.uniform(0.2, 9)}},
                        {{5, -300, 20}});
    if (seed % 2 == 0) {  // turned and mirrored axes: distances do not mind
      auto const step = grid.spacing().mm;
      grid.axes[0].mm = {0, -step[0] * 0.6, step[0] * 0.8};
      grid.axes[1].mm = {0, step[1] * 0.8, step[1] * 0.6};
      grid.axes[2].mm = {-step[2], 0, 0};
    }
    auto const mask = distance_test_mask(grid, seed % 5 == 0 ? 0.02 : rng.uniform(), rng);
    auto const border = border_of(mask);
    for (auto const to : {DistanceTo::marked, DistanceTo::unmarked, DistanceTo::border}) {
      std::vector<char> sources;
      for (std::size_t n = 0; n < mask.as<std::uint8_t>().size(); ++n) {
        auto const marked = mask.as<std::uint8_t>()[n] != 0;
        sources.push_back(to == DistanceTo::marked     ? marked
                          : to == DistanceTo::unmarked ? !marked
                                                       : border.as<std::uint8_t>()[n] != 0);
      }
      auto const expected = distance_test_searched(grid, sources);
      auto const signs = distance_map(mask, {.to = to, .inside_negative = true, .threads = 3});
      auto const out = distance_map(mask, {.to = to, .threads = 1});
      for (std::size_t n = 0; n < expected.size(); ++n) {
        auto const got = out.as<float>()[n];
        if (std::isinf(expected[n])) {
          EXPECT_TRUE(std::isinf(got));
        } else {
          ASSERT_NEAR(got, expected[n], 1e-6 * (1 + expected[n]));
        }
        EXPECT_EQ(signs.as<float>()[n], mask.as<std::uint8_t>()[n] != 0 ? -got : got);
      }
    }
  }
}

TEST(DistanceMap, IsExactAlongALine) {
  Volume line{upright({1000, 1, 1}, {{0.5, 1, 1}}), Type::i16};
  line.write<std::int16_t>()[17] = -4;
  auto const out = distance_map(line, {.to = DistanceTo::marked});
  for (std::int64_t n = 0; n < 1000; ++n)
    EXPECT_EQ(out.as<float>()[static_cast<std::size_t>(n)],
              0.5F * static_cast<float>(std::abs(n - 17)));
}

TEST(BorderOf, IsTheMaskWithoutItsErosion) {
  Rng rng{3};
  auto const mask = distance_test_mask(upright({9, 7, 6}, {}), 0.8, rng);
  auto const marks = mask.as<std::uint8_t>();
  auto const border = border_of(mask);
  std::size_t n = 0;
  for (std::int64_t k = 0; k < 6; ++k) {
    for (std::int64_t j = 0; j < 7; ++j) {
      for (std::int64_t i = 0; i < 9; ++i, ++n) {
        auto const all = i > 0 && i < 8 && j > 0 && j < 6 && k > 0 && k < 5 &&
                         marks[n - 1] * marks[n + 1] * marks[n - 9] * marks[n + 9] *
                                 marks[n - 63] * marks[n + 63] !=
                             0;
        EXPECT_EQ(border.as<std::uint8_t>()[n], marks[n] != 0 && !all ? 1 : 0);
      }
    }
  }
}

TEST(DistanceMap, RefusesASlantedGridAndSeveralChannels) {
  auto grid = upright({4, 4, 4}, {});
  EXPECT_THROW(distance_map(Volume{grid, Type::u8, Unit::one, 2}), Error);
  grid.axes[2].mm = {0, 0.3, 1};
  try {
    distance_map(Volume{grid, Type::u8});
    FAIL();
  } catch (Error const& error) {
    EXPECT_EQ(error.fault(), Fault::input);
    EXPECT_NE(std::string{error.what()}.find("--straighten"), std::string::npos);
  }
}

}  // namespace
}  // namespace fovea
