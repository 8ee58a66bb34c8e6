#pragma once

#include "base/geometry/band.hpp"

#include <functional>

namespace fovea {

/// Places in a voxel array: i, j and k each in a row of their own.
struct Places {
  double* i;
  double* j;
  double* k;
};

/// Puts the places, in the input's array, of the output's voxels (i0 ... i0 + n - 1, j, k).
/// Called from several threads at once. A place that is no number is outside.
using PlacesOf = std::function<void(
    std::int64_t i0, std::int64_t n, std::int64_t j, std::int64_t k, Places places)>;

/// A part of the input, perhaps prepared (`band_prepared`): all that the places can reach.
struct VolumePart {
  Volume voxels;
  std::array<std::int64_t, 3> first{};  ///< of the whole
  std::array<std::int64_t, 3> whole{};  ///< its size
};

/// Fills a box of `out`, on up to `threads` threads, with what is at the places. For cubic the
/// input holds coefficients. `options.smooth` is not looked at.
void run_sampler(VolumePart const& in,
                 PlacesOf const& places_of,
                 Resample const& options,
                 IndexBox const& box,
                 Volume& out,
                 int threads);

/// Linear values of all channels of a volume of f32 or f64 at n places, 0 outside; channel c
/// to out[c]. For fields of displacements.
void sample_linear(Volume const& in, Places const& places, std::int64_t n, double* const* out);

}  // namespace fovea
