#pragma once

#include "base/image/volume.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace fovea {

enum class Interpolation {
  area,    ///< mean of what a new pixel covers; along an axis that grows: linear
  linear,  ///< between the two nearest pixel centres, however much it shrinks
  cubic    ///< Keys 1981 with a = -0.75 over four pixel centres; may overshoot
};

/// Another number of pixels over the same field of view: spacing and origin of the grid follow.
/// Pixels are squares (pixel 0 covers 0 … 1, its centre is 0.5), beyond the edge the nearest
/// pixel goes on: as OpenCV's resize and as PyTorch's interpolate with align_corners=False.
///
/// In      a picture, any type and channels
/// Out     f32, values unscaled
/// Throws  Error{usage} if a side is below 1, Error{input} if it is not 2-D
struct Resize {
  std::int64_t width = 224;   ///< pixels
  std::int64_t height = 224;  ///< pixels
  Interpolation method = Interpolation::area;

  Volume operator()(Volume const& image) const;
};

/// What an axis of `to` pixels takes from one of `from` pixels: for output x and k = 0 … count
/// - 1 the input pixel at[k * to + x] with weight[k * to + x].
struct Taps {
  int count = 1;
  std::vector<std::int32_t> at;
  std::vector<float> weight;
};
Taps taps_of(std::int64_t from, std::int64_t to, Interpolation method);

/// A channel of a picture and how much of it counts.
struct Share {
  std::int64_t channel = 0;
  float weight = 1;
};
/// Writes the resized sum of some channels as one plane, row after row.
void resize_into(Volume const& image,
                 std::span<Share const> shares,
                 Taps const& across,
                 Taps const& down,
                 float* to);

/// The grid of `width` x `height` pixels over the same field of view.
Grid resized(Grid const& grid, std::int64_t width, std::int64_t height);

}  // namespace fovea
