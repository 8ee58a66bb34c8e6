#pragma once

#include "learn/patch/patch.hpp"

#include <array>
#include <span>
#include <vector>

namespace fovea {

/// Half of a Gaussian's weights, the middle one first; all of them sum to 1. As many as nnU-Net
/// takes: 6 deviations and a half, rounded to an odd number.
std::vector<float> blur_weights(double deviation);

/// Gaussian blur of one channel in place, axis after axis, mirrored at the borders (the border
/// voxel itself not twice).
///
/// In      [k, j, i]; deviations in voxels of k, j and i, each below 1.25; an axis of 1 voxel
///         stays
void patch_blur(std::span<float> channel, Kji const& size, std::array<double, 3> deviations);

}  // namespace fovea
