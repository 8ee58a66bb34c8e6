#pragma once

#include "base/core/vectors.hpp"
#include "learn/kernel/bfloat16.hpp"
#include "learn/kernel/few_maps.hpp"

namespace fovea {

/// A transposed convolution to a few channels, as the last of some networks is: what a row of
/// inputs adds to all the outputs that it reaches is one product with the weights, of which the
/// outputs are then summed. Values lie channels-last and may be bfloat16; arithmetic is
/// float32.
struct FewTransposed {
  std::int64_t in = 0, out = 1;                                             ///< channels
  std::array<std::int64_t, 3> kernel{1, 1, 1}, stride{1, 1, 1}, padding{};  ///< k, j, i
  static constexpr std::int64_t most = 8;                                   ///< outputs
  static constexpr std::int64_t most_places = 7;  ///< of the kernel, along an axis
  /// Of vectors; at most what the CPU has. Prepared weights are of one width.
  vectors::Width width = vectors::width();

  std::int64_t weight_values() const;
  /// weight: [in, out, kernel…]
  void prepare(float const* weight, float* prepared) const;
  /// Rows [begin, end) of the outputs. bias: [out], or null.
  /// Neither rows nor threads change what it gives; fewer rows at once do more twice.
  template <class T>
  void convolve(FewMaps const& maps,
                T const* x,
                float const* prepared,
                float const* bias,
                T* y,
                std::int64_t begin,
                std::int64_t end) const;

 private:
  std::int64_t lanes() const { return width == vectors::Width::avx512 ? 16 : 8; }
  // What one input adds to along j and i.
  std::int64_t places() const { return kernel[1] * kernel[2] * out; }
  std::int64_t panels() const { return (places() + lanes() - 1) / lanes(); }
};

}  // namespace fovea
