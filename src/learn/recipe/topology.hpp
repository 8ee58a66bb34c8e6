#pragma once

#include "learn/recipe/recipe.hpp"

#include <span>
#include <vector>

namespace fovea {

/// Where a U-Net halves which axis, and the patch that this fits.
struct RecipeTopology {
  std::vector<std::vector<std::int64_t>> strides;  ///< by stage, from the finest
  std::vector<std::vector<std::int64_t>> kernels;
  std::vector<std::int64_t> patch;      ///< rounded up to multiples of `multiples`
  std::vector<std::int64_t> multiples;  ///< by axis: 2 to the number of its halvings
};

/// An axis is halved while that leaves it at least 4 voxels and its spacing is below twice the
/// finest of those that can be; the last one alone needs 12 voxels. Kernels along it are 1
/// until its spacing is within twice the finest.
///
/// patch: may end in .5 (medians do). Source: nnU-Net 2.8.1, get_pool_and_conv_props
RecipeTopology recipe_topology(std::span<double const> spacing, std::span<double const> patch);

}  // namespace fovea
