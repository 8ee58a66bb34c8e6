#pragma once

#include "base/image/volume.hpp"

#include <optional>

namespace fovea {

/// The share of two surfaces' area that is at most `tolerance_mm` from the other surface. The
/// surface lies between voxels: where the eight voxels around a corner differ, it cuts them as
/// marching cubes do, and its distance is that of the corner. Of a picture (one slice): of
/// contours, by length. Equal to DeepMind's surface-distance; SurfaceDistances::dice counts
/// voxels of the border instead, as MONAI does, and is lower.
///
/// In      two masks of u8 (not 0: inside), one channel, on the same grid, axes at right angles
/// Out     none if both are empty, 0 if one is
/// Throws  Error{input} if the grids differ or are sheared, or there is more than one channel;
///         Error{usage} if the tolerance is below 0
/// Source  Nikolov et al., J Med Internet Res 2021
std::optional<double> surface_dice_by_area(Volume const& a,
                                           Volume const& b,
                                           double tolerance_mm,
                                           int threads = 0);

}  // namespace fovea
