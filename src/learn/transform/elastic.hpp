#pragma once

#include "learn/transform/warp.hpp"

namespace fovea {

/// Bends a picture smoothly at random (after Simard et al. 2003, with a B-spline on control
/// points instead of blurred noise).
///
/// In   a picture, any type and channels
/// Out  f32, same size
struct Elastic {
  double deviation = 3;  ///< pixels, of the displacement along each axis
  int cells = 6;         ///< control cells along a side; at least 1

  Volume operator()(Volume const& image, Rng& rng) const;
};

}  // namespace fovea
