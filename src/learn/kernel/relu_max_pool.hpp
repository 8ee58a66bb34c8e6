#pragma once

#include "learn/kernel/bfloat16.hpp"

namespace fovea {

/// ReLU and the largest value under each window in one pass. Values lie as [image, j, i,
/// channel]. What the backward pass needs is where each largest value was (one byte), not the
/// values before.
struct ReluMaxPool {
  std::int64_t height = 0, width = 0, channels = 0;  ///< of what is read
  std::int64_t out_height = 0, out_width = 0;
  std::int64_t kernel[2] = {2, 2}, stride[2] = {2, 2}, padding[2] = {0, 0};  ///< j, i

  static constexpr std::uint8_t nowhere = 255;  ///< nothing above zero: no gradient
  /// Places in a window are numbered in a byte.
  bool fits() const { return kernel[0] * kernel[1] < nowhere; }

  /// Rows [begin, end) of the output, counted over all images: image * out_height + j. The
  /// first of equal values is the largest; not a number wins.
  template <class T>
  void forward(
      T const* in, T* out, std::uint8_t* where, std::int64_t begin, std::int64_t end) const;

  /// Rows [begin, end) of the gradient of what was read, counted over all images.
  template <class T>
  void backward(T const* gradient,
                std::uint8_t const* where,
                T* out,
                std::int64_t begin,
                std::int64_t end) const;
};

}  // namespace fovea
