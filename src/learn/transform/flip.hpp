#pragma once

#include "base/core/rng.hpp"
#include "base/image/volume.hpp"

namespace fovea {

/// Mirrors at random. Off where a side has a meaning: a heart on the right is a finding.
///
/// In   a picture, any type and channels
/// Out  f32, same size
struct Flip {
  double left_right = 0.5;  ///< probability
  double up_down = 0;       ///< probability

  Volume operator()(Volume const& image, Rng& rng) const;
};

/// Mirrored so, as f32.
Volume flipped(Volume const& image, bool left_right, bool up_down);

}  // namespace fovea
