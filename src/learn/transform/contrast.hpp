#pragma once

#include "base/core/rng.hpp"
#include "base/image/volume.hpp"

#include <span>

namespace fovea {

/// Moves values away from, or towards, the picture's mean.
///
/// In   a picture, any type and channels
/// Out  f32, same size and mean, not clamped
struct Contrast {
  double strength = 0.2;  ///< factor exp(uniform(-strength, strength))

  Volume operator()(Volume const& image, Rng& rng) const;
};

/// (value - mean) * factor + mean, in place.
void stretch(std::span<float> values, double factor);

}  // namespace fovea
