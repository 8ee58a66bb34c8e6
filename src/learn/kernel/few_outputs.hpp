#pragma once

#include "learn/kernel/bfloat16.hpp"

#include <cstdint>

namespace fovea {

/// Gradients of a convolution of one place to a few channels, as a head for segmentation is:
/// little arithmetic, so each value is read once. Values lie as rows of channels.
struct FewOutputs {
  std::int64_t in = 0, out = 0;  ///< channels
  static constexpr std::int64_t most = 8;

  /// `out` is at most `most`. by_x[row][c] = sum over o of gradient[row][o] * weight[o][c].
  template <class T>
  void to_input(T const* gradient, float const* weight, T* by_x, std::int64_t rows) const;

  /// Adds to sums [out, in] the sums over the rows of gradient[row][o] * x[row][c].
  template <class T>
  void add_to_weights(T const* gradient, T const* x, float* sums, std::int64_t rows) const;
};

}  // namespace fovea
