#pragma once

#include "learn/nn/graph.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace fovea {

/// How a convolution goes over an image of so many axes, or a transposed one. One number per
/// axis, in voxels of what it reads (transposed: of what it makes).
struct Convolution {
  std::vector<std::int64_t> stride, padding, dilation;
  std::vector<std::int64_t> output_padding;  ///< all zero unless transposed
  std::int64_t groups = 1;
  bool transposed = false;

  static Convolution of(Node const& node, std::size_t rank);  ///< "conv" or "conv_transpose"
};

/// y = x * weight + bias by LibTorch; differentiable. On CPUs it goes round what oneDNN 3.13
/// gets wrong, in PyTorch, too (few channels: such as do not fill a block of 16):
/// - a kernel that hangs over both ends of a small image, as 3 x 3 x 3 does on 2 x 2 x 2: the
///   weights' gradient is wrong or written outside its memory; some outputs are wrong, too;
/// - strides along an axis that one window fits into: some outputs are wrong in bfloat16;
/// - strides of a kernel of one voxel, few channels: the weights' gradient is written outside
///   its memory (oneDNN's issue 6035);
/// - strides of a transposed convolution whose kernel's sides differ: some outputs are wrong;
/// - dilation, few channels, bfloat16: the weights' gradient is wrong.
/// @param x       [batch, in, (k,) (j,) i]
/// @param weight  [out, in / groups, kernel...]; transposed: [in, out / groups, kernel...]
at::Tensor convolve(at::Tensor const& x,
                    at::Tensor const& weight,
                    std::optional<at::Tensor> const& bias,
                    Convolution const& how);

/// Whether one of these is so; if not, oneDNN may be called directly.
/// @param image   sizes of what it reads
/// @param weight  sizes of its weights
bool needs_care(Convolution const& how,
                at::IntArrayRef image,
                at::IntArrayRef weight,
                at::ScalarType type);

/// The same outputs, from a small image in the frame of zeros that the padding would have been.
struct Framed {
  at::Tensor x;
  Convolution how;
};
Framed framed(at::Tensor const& x, at::IntArrayRef weight, Convolution const& how);

}  // namespace fovea
