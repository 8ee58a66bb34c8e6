#pragma once

#include "learn/kernel/bfloat16.hpp"

#include <vector>

namespace fovea {

/// A convolution over a map of few places is a product with one small matrix: between place p
/// of the input and place q of the output stands the weight of the tap that joins them, or
/// zero. On maps smaller than the kernel that is less arithmetic than sliding the kernel over
/// its padding.
struct TapMatrix {
  std::int64_t out = 0, in = 0;        ///< channels
  std::vector<std::int32_t> tap = {};  ///< [q][p]: the tap of the kernel, or -1
  std::int64_t in_places = 0, out_places = 0;
  /// Steps between weights that differ by one output channel, input channel, tap.
  std::int64_t by_out = 0, by_in = 0, by_tap = 0;
  bool channels_last = false;  ///< the matrix is [(q, out), (p, in)]; else [(out, q), (in, p)]

  /// Fills the parts of the matrix that belong to output channels [begin, end).
  template <class T>
  void spread(T const* weight, T* matrix, std::int64_t begin, std::int64_t end) const;

  /// Gradient of the weights of output channels [begin, end) from that of the matrix.
  template <class T>
  void gather(T const* matrix, T* weight, std::int64_t begin, std::int64_t end) const;
};

}  // namespace fovea
