#pragma once

#include "learn/transform/transform.hpp"

namespace fovea {

/// Everything that is done at random to a 2D training image, in one call: the geometric part (flips, rotation, scale, shift, shear, elastic)
/// is one map and one interpolation, so that the image is blurred once; then intensities; then cut-out. Fields are strengths; 0 turns a part off.
/// Random draws come in a fixed order, so that turning one part off changes no other.
struct Augment {
  double flip_left_right = 0;      ///< probability
  double flip_up_down = 0;         ///< probability
  double rotate = 0;               ///< degrees: uniform in [-rotate, rotate]
  double scale = 0;                ///< share: factor exp(uniform(-scale, scale))
  double shift = 0;                ///< share of the side: uniform in [-shift, shift], each axis
  double shear = 0;                ///< degrees
  double elastic = 0;              ///< pixels: deviation of a smooth displacement field (control points every 1/6 of the side)
  double brightness = 0;           ///< share of the range 0..1 added
  double contrast = 0;             ///< factor exp(uniform(-contrast, contrast)) about the mean
  double gamma = 0;                ///< exponent exp(uniform(-gamma, gamma)), on [0, 1]
  double noise = 0;                ///< deviation of Gaussian noise at most (drawn uniform in [0, noise])
  double blur = 0;                 ///< pixels: sigma at most (drawn uniform in [0, blur], half of the time none)
  double cut_out = 0;              ///< probability of one rectangle of 10-30 % of each side, filled with the mean

  /// In   2D, f32, any channels, values mostly in [0, 1]
  /// Out  the same size; outside the picture the nearest edge
  Volume operator()(Volume const& image, Rng& rng) const;
};

/// Size and values of a 2D image as the network wants them; not random.
struct Prepare {
  std::int64_t width = 224, height = 224;
  std::int64_t channels = 1;        ///< colour becomes grey by Rec. 601; grey is repeated
  double low = 0, high = 255;       ///< stored values that become 0 and 1
  double mean = 0.5, deviation = 0.25;   ///< of the values after that, over the training images; taken off and divided by in `normalise`

  /// In   any 2D picture     Out  f32, [channels, 1, height, width], values about 0..1 (not yet normalised); area-averaged when shrinking, linear when growing
  Volume operator()(Volume const& picture) const;
  /// (value - mean) / deviation, in place on a fresh copy.
  Volume normalise(Volume const& image) const;
};

}  // namespace fovea
