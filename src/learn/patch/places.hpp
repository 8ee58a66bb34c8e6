#pragma once

#include "learn/patch/patch.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace fovea {

/// Labels that count as one when a patch is centred on them: one label, or those of a region.
using LabelSet = std::vector<std::int16_t>;

/// Voxels of each class, to centre patches on: nnU-Net's rule. All of a class if they are up to
/// 10,000; else 10,000 of them or one in a hundred, whichever is more, drawn without putting
/// back. The draw depends on the labels and the classes alone.
///
/// In      labels [k, j, i] of fewer than 2^32 voxels
/// Out     for each class its voxels in rising order, as (k * size_j + j) * size_i + i
std::vector<std::vector<std::uint32_t>> class_places(std::span<std::int16_t const> labels,
                                                     std::span<LabelSet const> classes);

}  // namespace fovea
