#pragma once

#include "base/core/vectors.hpp"

#include <array>
#include <cstdint>

namespace fovea {

/// A convolution of 3 x 3 (x 3) places, stride 1, one row of zeros around, on float32 that lies
/// channels-last, with fewer products: two outputs along an axis from four sums of products
/// instead of six, so 3.4 times fewer in three dimensions and 2.25 times in two. Equal to the
/// plain sum within rounding (all factors are 1 and 1/2).
///
/// Source  Lavin and Gray, CVPR 2016: F(2, 3) along each axis
struct Winograd {
  std::int64_t in = 0, out = 0;  ///< channels
  bool deep = true;              ///< 3 places along k, too; else 1: slice by slice
  /// Of vectors; at most what the CPU has. Prepared weights are of one width.
  vectors::Width width = vectors::width();

  /// A batch of maps [batch, k, j, i, channels].
  struct Maps {
    std::int64_t batch = 1;
    std::array<std::int64_t, 3> size{};  ///< k, j, i
  };

  std::int64_t weight_values() const;
  /// Weights [out, in, (3,) 3, 3] as `convolve` wants them: weight_values() numbers.
  void prepare(float const* weight, float* prepared) const;

  /// Products that a plain sum has for one of these; whole tiles are counted.
  double saves(Maps const& maps) const;
  std::int64_t tiles(Maps const& maps) const;
  /// What each thread that convolves keeps.
  std::int64_t room_bytes() const;
  /// The work may be done in so many parts, in any order, by any threads; the result does not
  /// depend on that.
  std::int64_t parts(Maps const& maps) const;
  /// Parts [begin, end). bias: [out], or null. What is no number stays in the outputs that it
  /// belongs to, and may reach those of the same tiles.
  void convolve(Maps const& maps,
                float const* x,
                float const* prepared,
                float const* bias,
                float* y,
                std::int64_t begin,
                std::int64_t end) const;

  /// Whether this CPU has vectors that make it worth while.
  static bool pays();
};

}  // namespace fovea
