#pragma once

#include "learn/transform/prepare.hpp"
#include "learn/transform/transform.hpp"

namespace fovea {

/// Everything that is done at random to a 2D training picture, in one call. The geometric part
/// (flips, rotation, scale, shift, shear, elastic) is one map and one interpolation, so that
/// the picture is blurred once and not five times; then blur, contrast, brightness, gamma,
/// noise; then cut-out. Fields are strengths; 0 turns a part off. Random numbers are drawn in a
/// fixed order whatever is on, so that turning one part off changes no other.
struct Augment {
  double flip_left_right = 0;  ///< probability
  double flip_up_down = 0;     ///< probability
  double rotate = 0;           ///< degrees: uniform in [-rotate, rotate]
  double scale = 0;            ///< factor exp(uniform(-scale, scale))
  double shift = 0;            ///< share of the side: uniform in [-shift, shift], each axis
  double shear = 0;            ///< degrees: uniform in [-shear, shear]
  double elastic =
      0;  ///< pixels: deviation of a smooth displacement, control cells of 1/6 side
  double brightness = 0;  ///< uniform in [-brightness, brightness] is added
  double contrast = 0;    ///< factor exp(uniform(-contrast, contrast)) about the mean
  double gamma = 0;       ///< exponent exp(uniform(-gamma, gamma)); values at or below 0 stay
  double noise = 0;       ///< deviation of Gaussian noise, uniform in [0, noise]
  double blur = 0;        ///< pixels: sigma uniform in [0, blur], half of the time none
  double cut_out = 0;  ///< probability of one rectangle of 10-30 % of each side under the mean

  /// A function of the picture and the generator alone: the same on any thread.
  ///
  /// In      2D, f32 (others are converted, unscaled), any channels, values about 0 … 1
  /// Out     f32, same size, voxels of its own; outside the picture the nearest edge
  /// Throws  Error{input} if it is not 2-D
  Volume operator()(Volume const& image, Rng& rng) const;
};

}  // namespace fovea
