#pragma once

#include "base/geometry/resample.hpp"

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

namespace fovea {

/// What the places along one axis take from the voxels along another: a matrix whose rows are
/// short. Place x is the sum of weight[x * most + t] * voxel[first[x] + t], t < count[x]; edges
/// are folded in. No count: x lies outside.
struct Band {
  std::int64_t voxels = 0;  ///< of the input
  std::int64_t most = 1;    ///< the largest count
  std::vector<std::int64_t> first;
  std::vector<std::int64_t> count;
  std::vector<double> weight;

  std::int64_t places() const { return static_cast<std::int64_t>(first.size()); }
  bool copies(std::int64_t x) const;  ///< x is one voxel as it is
  bool identity() const;              ///< every x is voxel x
};

/// Of places along an axis of so many voxels; `sigma` of a Gaussian before, voxels, 0 for none.
Band band_of(std::span<double const> places,
             std::int64_t voxels,
             Resample const& options,
             double sigma);

/// Of `places` voxels over the same extent as `voxels`: faces fall together, and the outermost
/// voxels go on beyond them. Order 0 (nearest), 1 or 3. Places are computed as scipy's zoom in
/// grid mode does, to the last bit, so that what lies exactly between voxels is the same.
Band band_resized(std::int64_t voxels, std::int64_t places, int order);

/// Place x of that; at most half a voxel outside of the outermost centres.
inline double resized_place(std::int64_t x, std::int64_t voxels, std::int64_t places) {
  auto const step = static_cast<double>(voxels) / static_cast<double>(places);
  return (static_cast<double>(x) + 0.5) * step - 0.5;
}

/// What a point in between is computed from: voxels `first` to `first + count - 1` of an axis
/// of so many, smoothed, and for cubic as the coefficients of a B-spline.
struct PreparedBand {
  Band band;              ///< its places are those voxels
  std::int64_t from = 0;  ///< the voxel that the band calls 0
};
PreparedBand band_prepared(std::int64_t first,
                           std::int64_t count,
                           std::int64_t voxels,
                           Resample const& options,
                           double sigma);

/// A place that only rounding put beside a voxel's centre or face lies on it.
[[gnu::always_inline]] inline double snapped(double place) {
  // Twice the place is rounded to a whole number by adding what leaves no bits for more.
  constexpr double whole = 0x1.8p52;
  auto const half = ((2 * place + whole) - whole) / 2;
  return std::abs(place - half) < 1e-9 ? half : place;
}

/// Whether a place is within half a voxel of the outermost centres.
[[gnu::always_inline]] inline bool is_inside(double place, std::int64_t voxels) {
  return place >= -0.5 && place < static_cast<double>(voxels) - 0.5;
}

/// Weights of the 4 coefficients around a place `t` above the second of them.
[[gnu::always_inline]] inline void cubic_weights(double t, double* weight) {
  auto const rest = 1 - t;
  weight[0] = rest * rest * rest / 6;
  weight[1] = 2.0 / 3 - t * t * (2 - t) / 2;
  weight[2] = 2.0 / 3 - rest * rest * (2 - rest) / 2;
  weight[3] = t * t * t / 6;
}

/// Weights of the 2 * radius voxels around a place `t` above voxel radius - 1 of them.
void sinc_weights(double t, Resample const& options, double* weight);

/// The voxel that stands for one beyond the edge, mirrored at the outermost centres.
inline std::int64_t mirrored(std::int64_t at, std::int64_t voxels) {
  if (voxels == 1) return 0;
  auto const period = 2 * (voxels - 1);
  at = (at % period + period) % period;
  return at < voxels ? at : period - at;
}

}  // namespace fovea
