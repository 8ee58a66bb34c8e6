#include "base/geometry/surface_area.hpp"

#include "base/core/pool.hpp"
#include "base/geometry/marked.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

namespace fovea {
namespace {

struct AreaWay {
  std::array<std::int64_t, 3> step{};
  std::array<double, 3> unit{};  // in the patient
  double mm = 0;
  double weight = 0;  // of all directions, those that this is nearest to
};

// One of each two opposite neighbours.
std::array<AreaWay, 13> area_ways(Grid const& grid) {
  std::array<AreaWay, 13> ways;
  for (std::int64_t n = 0; n < 13; ++n) {
    auto& way = ways[static_cast<std::size_t>(n)];
    auto const code = n + 14;  // of 27; 13 is the voxel itself
    way.step = {code % 3 - 1, code / 3 % 3 - 1, code / 9 - 1};
    for (std::size_t axis = 0; axis < 3; ++axis) {
      for (std::size_t row = 0; row < 3; ++row)
        way.unit[row] += static_cast<double>(way.step[axis]) * grid.axes[axis].mm[row];
    }
    way.mm = std::hypot(way.unit[0], way.unit[1], way.unit[2]);
    for (auto& value : way.unit) value /= way.mm;
  }
  return ways;
}

// By a spiral of points that are spread evenly over half a sphere (Fibonacci's).
void area_weigh(std::array<AreaWay, 13>& ways) {
  constexpr int points = 20'000;
  constexpr auto turn = 2 * std::numbers::pi / std::numbers::phi;
  for (int n = 0; n < points; ++n) {
    auto const z = (n + 0.5) / points;
    auto const r = std::sqrt(1 - z * z);
    std::array const at{r * std::cos(turn * n), r * std::sin(turn * n), z};
    auto const near = [&](AreaWay const& way) {
      return std::abs(at[0] * way.unit[0] + at[1] * way.unit[1] + at[2] * way.unit[2]);
    };
    auto* best = &ways[0];
    for (auto& way : ways) best = near(way) > near(*best) ? &way : best;
    best->weight += 1.0 / points;
  }
}

// Marked voxels of a slice whose neighbour that way is marked too.
std::int64_t area_pairs(Volume const& mask, AreaWay const& way, std::int64_t k) {
  auto const [width, height, depth] = mask.grid().size;
  auto const [di, dj, dk] = way.step;
  if (k + dk < 0 || k + dk >= depth) return 0;
  auto const* const marks = mask.as<std::uint8_t>().data();
  auto const begin = std::max<std::int64_t>(0, -di);
  auto const end = width - std::max<std::int64_t>(0, di);
  std::int64_t pairs = 0;
  for (auto j = std::max<std::int64_t>(0, -dj); j < height - std::max<std::int64_t>(0, dj);
       ++j) {
    auto const* const row = marks + (k * height + j) * width;
    auto const* const other = row + (dk * height + dj) * width + di;
    for (auto i = begin; i < end; ++i) pairs += row[i] & other[i];
  }
  return pairs;
}

}  // namespace

double surface_area_mm2(Volume const& mask, int threads) {
  auto ways = area_ways(mask.grid());
  area_weigh(ways);
  std::vector<std::array<std::int64_t, 13>> pairs(static_cast<std::size_t>(mask.depth()));
  in_parallel(mask.depth(), threads > 0 ? threads : usable_cores(), [&](std::int64_t k) {
    for (std::size_t n = 0; n < ways.size(); ++n)
      pairs[static_cast<std::size_t>(k)][n] = area_pairs(mask, ways[n], k);
  });
  auto const marks = mask.as<std::uint8_t>();
  auto const marked = std::count_if(marks.begin(), marks.end(), [](auto m) { return m != 0; });
  double area = 0;
  for (std::size_t n = 0; n < ways.size(); ++n) {
    std::int64_t inside = 0;
    for (auto const& of_slice : pairs) inside += of_slice[n];
    // A line enters the mask as often as it leaves it.
    auto const crossings = static_cast<double>(2 * (marked - inside));
    area += 2 * ways[n].weight * crossings * voxel_mm3(mask.grid()) / ways[n].mm;
  }
  return area;
}

}  // namespace fovea
