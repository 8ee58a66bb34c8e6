#pragma once

#include "learn/patch/places.hpp"

#include <cstdint>
#include <span>

namespace fovea {

/// 1 where the label belongs to the region, else 0: [regions, k, j, i] from labels [k, j, i].
/// Throws Error{bug} unless `out` has room for exactly these.
void regions_of(std::span<std::int16_t const> labels,
                std::span<LabelSet const> regions,
                std::span<std::uint8_t> out);

/// Labels on a coarser grid of the same extent, for the lower outputs of deep supervision: the
/// voxel whose centre is nearest ("nearest-exact").
void nearest_labels(std::span<std::int16_t const> labels,
                    Kji const& size,
                    Kji const& coarse,
                    std::span<std::int16_t> out);

}  // namespace fovea
