#pragma once

#include "learn/patch/patch.hpp"

#include <array>
#include <span>

namespace fovea {

/// An array [k, j, i] from its other end along each of these axes, in place.
void patch_mirror(std::span<float> voxels, Kji const& size, std::array<bool, 3> const& axes);
void patch_mirror(std::span<std::int16_t> voxels,
                  Kji const& size,
                  std::array<bool, 3> const& axes);

}  // namespace fovea
