#pragma once

#include "base/core/rng.hpp"
#include "base/image/volume.hpp"

#include <cstdint>
#include <vector>

namespace fovea {

/// Where each pixel of the result comes from, in pixels of the input: whole numbers are pixel
/// centres. x_in = xx * x + xy * y + x0, y_in = yx * x + yy * y + y0.
struct Map2d {
  double xx = 1, xy = 0, x0 = 0;
  double yx = 0, yy = 1, y0 = 0;

  bool operator==(Map2d const&) const = default;
};

/// What to do with a picture, about its centre; in this order: shear, scale, rotate, shift.
struct Motion {
  double degrees = 0;  ///< counter-clockwise as one looks at it
  double scale = 1;    ///< above 1: things grow
  double right = 0;    ///< pixels
  double down = 0;     ///< pixels
  double shear = 0;    ///< degrees that a vertical line leans to the right, within -80 … 80
};
/// Multiples of 90 degrees are exact.
Map2d map_of(Motion const& motion, std::int64_t width, std::int64_t height);

/// A smooth random displacement of pixels: normal numbers on control points, a uniform cubic
/// B-spline between them (Rueckert et al. 1999). Neighbouring pixels move alike, so nothing
/// folds while the deviation is well below the distance of control points.
class PictureDisplacement {
 public:
  /// `deviation` in pixels, root mean square over many draws; `cells` control cells along a
  /// side.
  PictureDisplacement(
      std::int64_t width, std::int64_t height, double deviation, int cells, std::uint64_t key);

  /// Adds the displacement of row y to the coordinates of its pixels.
  void add_row(std::int64_t y, float* at_x, float* at_y);

 private:
  struct Axis {
    std::vector<std::int32_t> at;  ///< 4 x size: first of the control points, and the next ones
    std::vector<float> weight;     ///< 4 x size
  };
  static Axis axis_of(std::int64_t size, int cells);

  std::int64_t width_, height_;
  std::int64_t points_;  ///< along a side
  Axis across_, down_;
  std::vector<float> x_, y_;  ///< of the control points
  std::vector<float> line_, moved_;
};

/// One bilinear interpolation; outside the picture its nearest edge. The grid of the result is
/// that of the input: a training image's pixels move, its place in the world is not kept.
///
/// In      a picture, any type and channels
/// Out     f32, same size
/// Throws  Error{input} if it is not 2-D or has 2^30 pixels or more
Volume warped(Volume const& image,
              Map2d const& map,
              PictureDisplacement* displacement = nullptr);

}  // namespace fovea
