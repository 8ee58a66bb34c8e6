#pragma once

#include "base/core/rng.hpp"
#include "base/image/volume.hpp"

namespace fovea {

/// Raises values to a power: another film, another exposure.
///
/// In   a picture, any channels, values about 0 … 1; those at or below 0 stay
/// Out  f32, same size
struct Gamma {
  double strength = 0.3;  ///< exponent exp(uniform(-strength, strength))

  Volume operator()(Volume const& image, Rng& rng) const;
};

}  // namespace fovea
