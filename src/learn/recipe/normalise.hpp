#pragma once

#include "learn/recipe/recipe.hpp"

#include <span>

namespace fovea {

/// Normalises one channel where it stands, as nnU-Net does. `mask`: 1 where values count, or
/// empty for all of them; only z-scores look at it, and leave the others as they are.
/// Throws Error{input} for RGB outside 0 ... 255.
void normalise(std::span<float> voxels,
               std::span<std::uint8_t const> mask,
               Normalisation how,
               IntensityStatistics const& statistics);

}  // namespace fovea
