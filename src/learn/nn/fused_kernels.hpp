#pragma once

#include "learn/kernel/few_inputs.hpp"
#include "learn/kernel/few_outputs.hpp"
#include "learn/kernel/few_transposed.hpp"
#include "learn/kernel/winograd.hpp"
#include "learn/nn/executor.hpp"

namespace fovea {

/// Whether kernels of ours may be taken for this node if it is such a convolution: of images or
/// volumes that lie channels-last, without groups or dilation, where the CPU has vectors for
/// them.
bool fused_may_take(Node const& node, std::string_view op, std::size_t rank, Execution how);
/// Whether oneDNN has units for matrices of this precision, so that much arithmetic is its own.
bool fused_has_matrices(Execution how);

/// A map of as many voxels, channels-last.
at::Tensor fused_map(at::Tensor const& like, std::int64_t channels);

/// What does a convolution with fewer products than oneDNN; nothing where it cannot: other
/// kernels, strides or groups, few channels, contiguous images, bfloat16 where the CPU has
/// units for its matrices. Sizes need not be known.
std::optional<Winograd> winograd_of(Node const& node, Shape const& in, Execution how);
/// And nothing where that does not pay: on small maps.
///
/// `training`: the batch, where the weights change with each. Nothing: they are made once, and
/// neither batch nor threads may change an answer.
std::optional<Winograd> winograd_for(Node const& node,
                                     Shape const& in,
                                     std::optional<std::int64_t> training,
                                     Execution how);
Winograd::Maps winograd_maps(std::int64_t batch, std::vector<std::int64_t> const& size);
Winograd::Weights winograd_steps(at::Tensor const& weight);
/// float32 weights in the order that winograd_convolved reads.
at::Tensor winograd_prepared(Winograd const& kernel, Winograd::Weights const& weights);
/// x and y: float32 or bfloat16, channels-last, their channels joined; bias: float32 or
/// undefined.
void winograd_convolve(Winograd const& kernel,
                       Winograd::Maps const& maps,
                       at::Tensor const& prepared,
                       at::Tensor const& bias,
                       std::span<at::Tensor const> x,
                       std::span<at::Tensor const> y);
/// One map like x, which is copied if it does not lie channels-last.
at::Tensor winograd_convolved(Winograd const& kernel,
                              Winograd::Maps const& maps,
                              at::Tensor const& prepared,
                              at::Tensor const& bias,
                              at::Tensor const& x);

/// The gradient of the weights: float32, as they lie. x: as winograd_convolve reads it.
at::Tensor winograd_weight_gradient(Winograd const& kernel,
                                    Winograd::Maps const& maps,
                                    at::Tensor const& weight,
                                    std::span<at::Tensor const> x,
                                    at::Tensor const& gradient);

/// What does a convolution of a few channels; nothing for others.
std::optional<FewInputs> few_inputs_of(Node const& node, Shape const& in, Execution how);
/// weight, bias: float32, the latter may be undefined; x: as that of winograd_convolved.
at::Tensor few_inputs_convolved(FewInputs const& kernel,
                                at::Tensor const& weight,
                                at::Tensor const& bias,
                                at::Tensor const& x);
/// float32, as the weights lie
at::Tensor few_inputs_weight_gradient(FewInputs const& kernel,
                                      at::Tensor const& weight,
                                      at::Tensor const& x,
                                      at::Tensor const& gradient);

/// Gives the gradients of a convolution of one place to few channels; nothing for others.
std::optional<FewOutputs> few_outputs_of(Node const& node, Shape const& in, Execution how);
at::Tensor few_outputs_to_weights(FewOutputs const& kernel,
                                  at::Tensor const& weight,
                                  at::Tensor const& x,
                                  at::Tensor const& gradient);
at::Tensor few_outputs_to_input(FewOutputs const& kernel,
                                at::Tensor const& weight,
                                at::Tensor const& gradient);

/// A transposed convolution to a few channels, forward. Maps and weights as those of
/// FusedBlocks.
class FusedFewTransposed {
 public:
  /// Nothing for others.
  static std::optional<FusedFewTransposed> of(Node const& node, Shape const& in, Execution how);

  at::Tensor forward(at::Tensor const& weight,
                     at::Tensor const& bias,
                     at::Tensor const& x) const;

 private:
  FewTransposed kernel_;
  std::array<std::int64_t, 3> output_padding_{};  // k, j, i
};

/// A transposed convolution whose outputs do not overlap: each voxel becomes a block of its
/// own, by a product with one matrix, and the blocks are laid beside each other. Maps in the
/// working precision, channels-last; weights [in, out, (k,) j, i] and what is given of them
/// float32.
class FusedBlocks {
 public:
  /// Nothing for others.
  static std::optional<FusedBlocks> of(Node const& node, Shape const& in);

  at::Tensor forward(std::span<at::Tensor const> weights, at::Tensor const& x) const;
  at::Tensor to_weights(at::Tensor const& weight,
                        at::Tensor const& x,
                        at::Tensor const& gradient) const;
  at::Tensor to_input(at::Tensor const& weight, at::Tensor const& gradient) const;

 private:
  explicit FusedBlocks(std::vector<std::int64_t> block) : block_{std::move(block)} {}
  std::vector<std::int64_t> coarse(at::Tensor const& fine) const;
  at::Tensor rows(at::Tensor const& fine) const;

  std::vector<std::int64_t> block_;  // (k,) j, i
};

}  // namespace fovea
