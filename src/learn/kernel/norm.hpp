#pragma once

#include "learn/kernel/bfloat16.hpp"

namespace fovea {

/// Batch norm with what so often follows it, a sum and a ReLU, in as few passes over memory as
/// there can be. Values lie as rows of channels: [image, j, i, channel]. Sums are taken over
/// blocks of rows and joined by the caller in double.
///
/// Paper   Ioffe and Szegedy, Batch Normalization, ICML 2015
struct ChannelNorm {
  std::int64_t channels = 0;
  bool relu = false;

  /// Sums over rows [begin, end) of (x - about) and of its square, into [2, channels].
  template <class T>
  void moments(
      T const* x, float const* about, float* sums, std::int64_t begin, std::int64_t end) const;

  /// y = x * scale + offset + other, above zero if `relu`. `other` may be null.
  template <class T>
  void forward(T const* x,
               T const* other,
               float const* scale,
               float const* offset,
               T* y,
               std::int64_t begin,
               std::int64_t end) const;

  /// g is the gradient where y is above zero (everywhere without `relu`). Sums over rows
  /// [begin, end) of g and of g * (x - mean), into [2, channels]; g itself into `masked` unless
  /// that is null.
  template <class T>
  void gradient_moments(T const* gradient,
                        T const* x,
                        T const* y,
                        float const* mean,
                        float* sums,
                        T* masked,
                        std::int64_t begin,
                        std::int64_t end) const;

  /// out = g * by_gradient + (x - mean) * by_value + offset.
  template <class T>
  void backward(T const* gradient,
                T const* x,
                T const* y,
                float const* mean,
                float const* by_gradient,
                float const* by_value,
                float const* offset,
                T* out,
                std::int64_t begin,
                std::int64_t end) const;
};

}  // namespace fovea
