#pragma once

#include "base/core/rng.hpp"
#include "base/image/volume.hpp"

namespace fovea {

/// Hides a rectangle under each channel's mean (after DeVries and Taylor 2017), so that a
/// network does not hang on one place.
///
/// In   a picture, any type and channels
/// Out  f32, same size
struct CutOut {
  double probability = 0.5;
  double smallest = 0.1;  ///< share of each side
  double largest = 0.3;   ///< share of each side, at most 1

  Volume operator()(Volume const& image, Rng& rng) const;

  /// In place, on f32; five draws.
  void hide(Volume& image, Rng& rng) const;
};

}  // namespace fovea
