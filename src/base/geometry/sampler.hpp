#pragma once

#include "base/geometry/band.hpp"

#include <functional>

namespace fovea {

/// Places in a voxel array, n of them: i, j and k each in a row of their own.
struct Places {
  double* i;
  double* j;
  double* k;
};

/// Fills `out`, on up to `threads` threads: the value of each of its voxels is read from `in`
/// at the place that `places_of(j, k, places)` puts into row j of slice k, in `in`'s array.
/// Called from several threads at once. `options.smooth` is not looked at: smooth before.
void run_sampler(Volume const& in,
                 std::function<void(std::int64_t, std::int64_t, Places)> const& places_of,
                 Resample const& options,
                 Volume& out,
                 int threads);

}  // namespace fovea
