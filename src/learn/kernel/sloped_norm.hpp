#pragma once

#include "learn/kernel/bfloat16.hpp"

#include <cstdint>

namespace fovea {

/// A norm with what follows it, a sum and a slope below zero (leaky ReLU; a slope of 1 is
/// none), and its gradients. What came before the slope is computed again instead of kept.
/// Values lie as rows of channels; all pointers begin at the first of `rows`. With
///     v = x * scale + offset (+ other),   d = gradient * (v > 0 ? 1 : slope)
///
/// Papers  Ioffe and Szegedy, Batch Normalization, ICML 2015; Ulyanov et al., Instance
///         Normalization, 2016; Maas et al., Rectifier nonlinearities,
///         2013; He et al., Delving deep into rectifiers, ICCV 2015
struct SlopedNorm {
  std::int64_t channels = 0;
  float slope = 1;

  /// Sums over the rows of (x - about) and of its square, into [2, channels].
  template <class T>
  void moments(T const* x, float const* about, float* sums, std::int64_t rows) const;

  /// y = v < 0 ? v * slope : v. `other` may be null, here and below.
  template <class T>
  void forward(T const* x,
               T const* other,
               float const* scale,
               float const* offset,
               T* y,
               std::int64_t rows) const;

  /// Sums over the rows of d, of d * (x - mean) and of the slope's own gradient
  /// (gradient * v where v is not above zero), into [3, channels]; d itself into `passed`
  /// unless that, or `other`, is null.
  template <class T>
  void gradient_moments(T const* gradient,
                        T const* x,
                        T const* other,
                        float const* scale,
                        float const* offset,
                        float const* mean,
                        float* sums,
                        T* passed,
                        std::int64_t rows) const;

  /// out = d * scale + (x - mean) * by_value + plus. `out` may be `gradient`.
  template <class T>
  void backward(T const* gradient,
                T const* x,
                T const* other,
                float const* scale,
                float const* offset,
                float const* mean,
                float const* by_value,
                float const* plus,
                T* out,
                std::int64_t rows) const;
};

}  // namespace fovea
