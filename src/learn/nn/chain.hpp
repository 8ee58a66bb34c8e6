#pragma once

#include "learn/nn/ops.hpp"

#include <ATen/core/Tensor.h>

#include <span>

namespace fovea {

/// What is below zero by this: learnt, or fixed. 1: no activation.
struct Slope {
  at::Tensor learnt = {};  ///< [1] float32, or undefined
  double fixed = 1;
};

/// A norm with what so often follows it, a sum and a slope below zero, by kernels of ours, in
/// as few passes over memory as there can be. Of float32 and bfloat16 on a CPU that lie as
/// `lies_in_rows` says. Neither threads nor parts change a result.
struct NormChain {
  bool batch = false;  ///< one mean and variance a channel of the whole batch; else of an image
  std::int64_t group = 1;  ///< channels that share them, one behind the other
  double epsilon = 1e-5;
  at::Tensor weight = {}, bias = {};  ///< [channels] float32, or undefined
  at::Tensor other = {};              ///< what is added: as x, or undefined
  Slope slope = {};

  /// float32 [images, channels], or [1, channels] of a whole batch; those of a group are equal.
  struct Moments {
    at::Tensor mean, variance, inverse;  ///< inverse: 1 / sqrt(variance + epsilon)
    std::int64_t count = 0;              ///< values that each is of
  };
  Moments moments(at::Tensor const& x) const;

  at::Tensor forward(at::Tensor const& x, Moments const& moments) const;

  struct Gradients {
    at::Tensor x, other;
    at::Tensor weight, bias, slope;  ///< float32
  };
  /// `gradient` as x. What came before the slope is computed again. The gradient of x may take
  /// the place of `gradient`.
  Gradients backward(at::Tensor const& gradient,
                     at::Tensor const& x,
                     Moments const& moments,
                     bool in_place = false) const;
};

/// Sums over batch and places of what lies_in_rows: [channels] float32.
at::Tensor channel_sums(at::Tensor const& x);

/// The chain that begins with `norm`, a batch_norm, instance_norm or group_norm of so many
/// channels, with its weights.
NormChain chain_of(Node const& norm,
                   std::int64_t channels,
                   std::span<at::Tensor const> weights,
                   at::Tensor const& other,
                   Slope const& slope);

/// A batch norm's running mean and variance after another batch.
void follow(NormChain::Moments const& moments,
            double momentum,
            at::Tensor const& running_mean,
            at::Tensor const& running_variance);

/// True if our kernels can read it: a float32 or bfloat16 image or volume on a CPU that lies
/// channels-last, or a vector.
bool lies_in_rows(at::Tensor const& x);

}  // namespace fovea
