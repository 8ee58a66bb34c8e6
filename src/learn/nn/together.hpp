#pragma once

#include "learn/nn/chain.hpp"

#include <optional>

namespace fovea {

// Operations that training, and where there is instance or group norm inference too, runs with
// kernels of ours, on a CPU: what LibTorch does in several passes over memory, or on maps so
// small that its convolutions mostly multiply padding. Same values within rounding, same
// gradients.

/// A chain, and at training the batch norm's running statistics brought up to date, if they are
/// defined. x as `lies_in_rows` says, of a batch norm with more than one value in a channel.
at::Tensor norm_and_more(NormChain chain,
                         at::Tensor const& x,
                         std::optional<at::Tensor> const& running_mean = {},
                         std::optional<at::Tensor> const& running_variance = {},
                         double momentum = 0);

/// ReLU, then the max_pool of `pool`; x as `lies_in_rows` says, of rank 2. Nothing if the
/// pool's window has too many places.
std::optional<at::Tensor> relu_and_max_pool(Node const& pool, at::Tensor const& x);

/// A convolution on a map of a few places as a product with one matrix; nothing where sliding
/// the kernel is not more work.
std::optional<at::Tensor> convolved_as_matrix(Node const& conv,
                                              std::span<at::Tensor const> weights,
                                              at::Tensor const& x);

}  // namespace fovea
