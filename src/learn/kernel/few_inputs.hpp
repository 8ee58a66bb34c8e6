#pragma once

#include "base/core/vectors.hpp"
#include "learn/kernel/bfloat16.hpp"
#include "learn/kernel/few_maps.hpp"

namespace fovea {

/// A convolution of a few channels, as a network's first is: a row of outputs is made from rows
/// of inputs that lie zero-padded and widened in a core's own cache. Values lie channels-last
/// and may be bfloat16; arithmetic is float32.
struct FewInputs {
  std::int64_t in = 1, out = 0;                                             ///< channels
  std::array<std::int64_t, 3> kernel{1, 1, 1}, stride{1, 1, 1}, padding{};  ///< k, j, i
  static constexpr std::int64_t most = 4;  ///< inputs for which it pays
  /// Of vectors; at most what the CPU has. Prepared weights are of one width.
  vectors::Width width = vectors::width();

  std::int64_t weight_values() const;
  /// weight: [out, in, kernel…]
  void prepare(float const* weight, float* prepared) const;
  /// Rows [begin, end) of the outputs. bias: [out], or null. Neither rows nor threads change
  /// what it gives.
  template <class T>
  void convolve(FewMaps const& maps,
                T const* x,
                float const* prepared,
                float const* bias,
                T* y,
                std::int64_t begin,
                std::int64_t end) const;

  /// Adds to sums, which lie as prepared weights do, what rows [begin, end) of the outputs'
  /// gradient give the weights. x: what the outputs were made of.
  template <class T>
  void add_to_weights(FewMaps const& maps,
                      T const* x,
                      T const* gradient,
                      float* sums,
                      std::int64_t begin,
                      std::int64_t end) const;
  /// The inverse of prepare().
  void weights(float const* sums, float* weight) const;

 private:
  std::int64_t taps() const { return kernel[0] * kernel[1] * kernel[2] * in; }
  // Where a prepared weight lies.
  std::int64_t at(std::int64_t o, std::int64_t c, std::int64_t place) const {
    return (o / panel() * taps() + place * in + c) * panel() + o % panel();
  }
  std::int64_t panel() const { return width == vectors::Width::avx512 ? 32 : 16; }
};

}  // namespace fovea
