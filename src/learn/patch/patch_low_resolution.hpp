#pragma once

#include "learn/patch/patch.hpp"

#include <array>
#include <span>

namespace fovea {

/// One channel as if it had been taken with fewer voxels: brought to size * zoom (rounded, half
/// to even, at least 1) by the nearest voxel, and back by linear interpolation; voxels are
/// areas, as both are in PyTorch ("nearest-exact", and without aligned corners).
///
/// In      [k, j, i]; zoom of each axis in (0, 1]; an axis of zoom 1 stays as it is
void patch_low_resolution(std::span<float> channel,
                          Kji const& size,
                          std::array<double, 3> zoom);

}  // namespace fovea
