#pragma once

#include "base/core/rng.hpp"
#include "base/image/volume.hpp"

namespace fovea {

/// Adds Gaussian noise to each pixel on its own.
///
/// In   a picture, any channels, values about 0 … 1
/// Out  f32, same size, not clamped
struct Noise {
  double strength = 0.05;  ///< its deviation is uniform in [0, strength]

  Volume operator()(Volume const& image, Rng& rng) const;
};

}  // namespace fovea
