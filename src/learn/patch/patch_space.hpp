#pragma once

#include "learn/patch/patch_sampler.hpp"

#include <array>

namespace fovea {

/// From a voxel of the patch, counted from its middle, to a voxel of the case, counted from the
/// place of that middle: k, j, i.
using PatchMap = std::array<std::array<double, 3>, 3>;

/// Turned about k by the first angle, then about j, then about i, and scaled: first is scaled,
/// then turned. Angles in degrees; a scale above 1 makes things smaller.
PatchMap turned_map(std::array<double, 3> const& degrees, double scale);
/// Turned and scaled in the j-i plane only.
PatchMap turned_in_plane(double degrees, double scale);

/// Fills image and labels with the case as the map shows it about the middle of the patch at
/// `place`: images linear, 0 beyond the case; labels by vote (see `vote`), -1 beyond. If the
/// map leaves k alone, slices stay slices. What a map reaches may be many times the patch:
/// above `room` voxels it is done in parts, so that a thread's memory stays below 100 MiB.
void cut_turned(StoredCase const& from,
                PatchPlace const& place,
                PatchMap const& map,
                PatchView const& out,
                std::int64_t room = 16 << 20);

}  // namespace fovea
