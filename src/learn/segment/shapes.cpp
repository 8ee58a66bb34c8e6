#include "learn/segment/shapes.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <ranges>
#include <utility>

namespace fovea {
namespace {

// Of one stored label.
struct ShapeSum {
  std::int64_t voxels = 0;
  std::array<double, 3> at{};
};

using ShapePair = std::pair<std::int16_t, std::int16_t>;

// What one pass over the voxels finds.
struct ShapeSums {
  std::vector<ShapeSum> labels;
  std::map<ShapePair, std::array<std::int64_t, 3>> borders;  // voxel faces between two labels

  ShapeSum& of(std::int16_t label) {
    auto const at = static_cast<std::size_t>(label);
    if (at >= labels.size()) labels.resize(at + 1);
    return labels[at];
  }
};

ShapeSums shape_sums(Volume const& labels) {
  auto const shape = shape_of(labels.grid());
  std::array<std::int64_t, 3> const stride{shape[1] * shape[2], shape[2], 1};
  auto const values = labels.as<std::int16_t>();
  auto const value_at = [&](std::int64_t n) {
    return std::max<std::int16_t>(0, values[static_cast<std::size_t>(n)]);
  };
  ShapeSums out;
  std::array<std::int64_t, 3> at{};
  for (std::int64_t n = 0; n < std::ssize(values); ++n) {
    auto const value = value_at(n);
    if (value > 0) {
      auto& sum = out.of(value);
      ++sum.voxels;
      for (std::size_t a = 0; a < 3; ++a) sum.at[a] += static_cast<double>(at[a]);
    }
    for (std::size_t a = 0; a < 3; ++a) {
      if (at[a] + 1 == shape[a]) continue;
      if (auto const next = value_at(n + stride[a]); next != value)
        ++out.borders[std::minmax(value, next)][a];
    }
    for (std::size_t a = 3; a-- > 0;) {
      if (++at[a] < shape[a]) break;
      at[a] = 0;
    }
  }
  return out;
}

// How far apart two structures lie on the mean along an axis; 0 if that is little beside how it
// varies, or beside the image: few cases agree by chance.
double shape_distance(std::vector<CaseShapes> const& cases,
                      std::size_t first,
                      std::size_t second,
                      std::size_t axis) {
  constexpr double fewest = 5;
  constexpr double deviations = 2;
  constexpr double least = 0.05;
  double count = 0;
  double sum = 0;
  double squares = 0;
  for (auto const& one : cases) {
    if (!one[first] || !one[second]) continue;
    auto const far = one[second]->middle[axis] - one[first]->middle[axis];
    ++count;
    sum += far;
    squares += far * far;
  }
  if (count < fewest) return 0;
  auto const mean = sum / count;
  auto const deviation = std::sqrt(std::max(0.0, squares / count - mean * mean));
  return std::abs(mean) >= std::max(least, deviations * deviation) ? mean : 0;
}

}  // namespace

CaseShapes shapes_of(Volume const& labels, SegmentTargets const& targets) {
  auto const sums = shape_sums(labels);
  auto const shape = shape_of(labels.grid());
  auto const mm = spacing_of(labels.grid());
  CaseShapes out;
  for (auto const& inside : targets.inside) {
    auto const holds = [&](std::int16_t label) {
      return std::ranges::find(inside, label) != inside.end();
    };
    ShapeSum all;
    for (std::size_t label = 1; label < sums.labels.size(); ++label) {
      if (!holds(static_cast<std::int16_t>(label))) continue;
      all.voxels += sums.labels[label].voxels;
      for (std::size_t a = 0; a < 3; ++a) all.at[a] += sums.labels[label].at[a];
    }
    auto& one = out.emplace_back();
    if (all.voxels == 0) continue;
    auto const voxels = static_cast<double>(all.voxels);
    one.emplace();
    one->voxels = all.voxels;
    for (std::size_t a = 0; a < 3; ++a)
      one->middle[a] = (all.at[a] / voxels + 0.5) / static_cast<double>(shape[a]);
    // Of each face the length across it: the surface divided by a voxel's volume.
    double surface = 0;
    for (auto const& [pair, faces] : sums.borders) {
      if (holds(pair.first) == holds(pair.second)) continue;
      for (std::size_t a = 0; a < 3; ++a) surface += static_cast<double>(faces[a]) / mm[a];
    }
    one->thickness = surface > 0 ? 2 * voxels / surface : std::ranges::max(mm);
  }
  return out;
}

std::array<std::optional<Sides>, 3> sides_of(std::vector<CaseShapes> const& cases) {
  std::array<std::optional<Sides>, 3> out;
  if (cases.empty()) return out;
  auto const structures = cases.front().size();
  for (std::size_t axis = 0; axis < 3; ++axis) {
    double furthest = 0;
    for (std::size_t first = 0; first < structures; ++first) {
      for (std::size_t second = first + 1; second < structures; ++second) {
        auto const far = shape_distance(cases, first, second, axis);
        if (std::abs(far) <= std::abs(furthest)) continue;
        furthest = far;
        out[axis] = far > 0 ? Sides{first, second} : Sides{second, first};
      }
    }
  }
  return out;
}

double thickness_of(std::vector<CaseShapes> const& cases) {
  double thickest = 0;
  for (std::size_t i = 0; !cases.empty() && i < cases.front().size(); ++i) {
    std::vector<double> known;
    for (auto const& one : cases)
      if (one[i]) known.push_back(one[i]->thickness);
    if (known.empty()) continue;
    auto const middle = known.begin() + std::ssize(known) / 2;
    std::ranges::nth_element(known, middle);
    thickest = std::max(thickest, *middle);
  }
  return thickest;
}

}  // namespace fovea
