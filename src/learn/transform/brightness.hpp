#pragma once

#include "base/core/rng.hpp"
#include "base/image/volume.hpp"

namespace fovea {

/// Adds one number to the whole picture.
///
/// In   a picture, any channels, values about 0 … 1
/// Out  f32, same size, not clamped
struct Brightness {
  double strength = 0.1;  ///< uniform in [-strength, strength] is added

  Volume operator()(Volume const& image, Rng& rng) const;
};

}  // namespace fovea
