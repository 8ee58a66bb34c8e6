#pragma once

#include "base/core/rng.hpp"
#include "base/image/volume.hpp"

namespace fovea {

/// Blurs by a Gaussian of random width, half of the time not at all.
///
/// In   a picture, any type and channels
/// Out  f32, same size
struct Blur {
  double strength = 1;  ///< pixels: sigma is uniform in [0, strength]

  Volume operator()(Volume const& image, Rng& rng) const;

  /// The sigma of one picture; two draws.
  double draw(Rng& rng) const;
};

/// A sampled Gaussian, cut off at 4 sigma and made to sum to 1; beyond the edge the nearest
/// pixel goes on (as scipy.ndimage.gaussian_filter with mode="nearest"). Below 0.01 pixels: a
/// copy. Throws Error{usage} if sigma is above 1000.
Volume blurred(Volume const& image, double sigma);

}  // namespace fovea
