#pragma once

#include "learn/transform/warp.hpp"

namespace fovea {

/// Turns, scales, shifts and leans a picture at random about its centre, with one bilinear
/// interpolation; outside the picture its nearest edge. Fields are strengths, 0 turns a part
/// off.
///
/// In   a picture, any type and channels
/// Out  f32, same size
struct PictureAffine {
  double rotate = 0;  ///< degrees: uniform in [-rotate, rotate]
  double scale = 0;   ///< factor exp(uniform(-scale, scale))
  double shift = 0;   ///< share of the side: uniform in [-shift, shift], each axis
  double shear = 0;   ///< degrees: uniform in [-shear, shear]

  Volume operator()(Volume const& image, Rng& rng) const;

  /// Five draws, whichever strengths are 0.
  Motion draw(std::int64_t width, std::int64_t height, Rng& rng) const;
};

}  // namespace fovea
