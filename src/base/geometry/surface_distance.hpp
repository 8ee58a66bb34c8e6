#pragma once

#include "base/image/volume.hpp"

#include <cstdint>
#include <optional>

namespace fovea {

struct SurfaceOptions {
  double percentile = 95;   ///< 0 to 100; by linear interpolation between ranks, as numpy
  double tolerance_mm = 1;  ///< of the surface Dice
  int threads = 0;          ///< 0: all usable cores; any number gives the same bits
};

/// How far two surfaces are apart, mm. Each voxel of border_of(a) has a distance to the nearest
/// of border_of(b), and the other way round; between voxel centres.
///
///     hausdorff   the largest of all
///     percentile  of each direction's distances; the larger of both (MONAI's HD95)
///     pooled_percentile  of the distances of both directions together (MedPy's)
///     mean        of all distances of both directions (MONAI's symmetric average)
///     dice        the share of all that are at most `tolerance_mm`
///
/// Without a surface on one side there is no distance: none but `dice`, which is 0 then, and
/// none if both are empty.
struct SurfaceDistances {
  std::int64_t surface_a = 0, surface_b = 0;  ///< voxels of the borders
  std::optional<double> hausdorff, percentile, pooled_percentile, mean;
  std::optional<double> mean_a_to_b, mean_b_to_a;
  std::optional<double> dice;  ///< Nikolov 2021, by voxels as MONAI counts
};

/// Of two masks (not 0: inside) on the same grid; only the box around both is looked at.
///
/// Throws  Error{input} if the grids differ or are sheared, or there is more than one channel;
///         Error{usage} if an option is out of range
SurfaceDistances surface_distances(Volume const& a,
                                   Volume const& b,
                                   SurfaceOptions const& options = {});

/// The number below which `percent` of the values lie, between neighbouring ranks linear
/// (numpy's default). Orders the values. Throws Error{bug} if there are none.
double percentile_of(std::span<double> values, double percent);

}  // namespace fovea
