#include "learn/recipe/topology.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace fovea {
namespace {

constexpr double topology_least_edge = 4;

// The axes that are halved next; none if the network ends here.
std::vector<std::size_t> topology_halved(std::vector<double> const& spacing,
                                         std::vector<double> const& size) {
  std::vector<std::size_t> out;
  auto finest = std::numeric_limits<double>::infinity();
  for (std::size_t axis = 0; axis < size.size(); ++axis) {
    if (size[axis] >= 2 * topology_least_edge) finest = std::min(finest, spacing[axis]);
  }
  for (std::size_t axis = 0; axis < size.size(); ++axis) {
    if (size[axis] >= 2 * topology_least_edge && spacing[axis] / finest < 2)
      out.push_back(axis);
  }
  if (out.size() == 1 && size[out[0]] < 3 * topology_least_edge) out.clear();
  return out;
}

}  // namespace

RecipeTopology recipe_topology(std::span<double const> spacing, std::span<double const> patch) {
  auto const axes = spacing.size();
  std::vector<double> now(spacing.begin(), spacing.end());
  std::vector<double> size(patch.begin(), patch.end());
  std::vector<std::int64_t> kernel(axes, 1);
  RecipeTopology out;
  out.strides.emplace_back(axes, 1);
  out.multiples.assign(axes, 1);
  for (auto halved = topology_halved(now, size); !halved.empty();
       halved = topology_halved(now, size)) {
    auto const finest = *std::min_element(now.begin(), now.end());
    for (std::size_t axis = 0; axis < axes; ++axis)
      kernel[axis] = now[axis] / finest < 2 ? 3 : kernel[axis];
    out.kernels.push_back(kernel);
    auto& stride = out.strides.emplace_back(axes, 1);
    for (auto const axis : halved) {
      stride[axis] = 2;
      out.multiples[axis] *= 2;
      now[axis] *= 2;
      size[axis] = std::ceil(size[axis] / 2);
    }
  }
  out.kernels.emplace_back(axes, 3);
  for (std::size_t axis = 0; axis < axes; ++axis) {
    auto const multiple = static_cast<double>(out.multiples[axis]);
    out.patch.push_back(
        static_cast<std::int64_t>(std::ceil(patch[axis] / multiple) * multiple));
  }
  return out;
}

}  // namespace fovea
