#pragma once

#include "learn/nn/ops.hpp"

#include <optional>

namespace fovea {

// Operations that training, and where there is instance norm inference too, runs with kernels
// of ours, on a CPU: what LibTorch does in several passes over memory, or on maps so small that
// its convolutions mostly multiply padding. Same values within rounding, same gradients.

/// True if our kernels can read it: a float32 or bfloat16 image or volume on a CPU that lies
/// channels-last, or a vector.
bool lies_in_rows(at::Tensor const& x);

/// Batch norm with the batch's statistics (and the running ones brought up to date), the sum
/// with `other` if that is defined, ReLU if asked for. `norm` is a batch_norm with its four
/// weights; x as `lies_in_rows` says, with more than one value in a channel.
at::Tensor norm_and_more(Node const& norm,
                         std::span<at::Tensor const> weights,
                         at::Tensor const& x,
                         at::Tensor const& other,
                         bool relu);

/// What is below zero by this: learnt, or fixed. 1: no activation.
struct Slope {
  at::Tensor learnt = {};  ///< [1] float32, or undefined
  double fixed = 1;
};

/// Instance norm, the sum with `other` if that is defined, a slope below zero. `norm` is an
/// instance_norm with its weights, if it has any; x an image or volume as `lies_in_rows` says.
at::Tensor instance_norm_and_more(Node const& norm,
                                  std::span<at::Tensor const> weights,
                                  at::Tensor const& x,
                                  at::Tensor const& other,
                                  Slope const& slope);

/// ReLU, then the max_pool of `pool`; x as `lies_in_rows` says, of rank 2. Nothing if the
/// pool's window has too many places.
std::optional<at::Tensor> relu_and_max_pool(Node const& pool, at::Tensor const& x);

/// A convolution on a map of a few places as a product with one matrix; nothing where sliding
/// the kernel is not more work.
std::optional<at::Tensor> convolved_as_matrix(Node const& conv,
                                              std::span<at::Tensor const> weights,
                                              at::Tensor const& x);

}  // namespace fovea
