#pragma once

#include "learn/nn/fused_kernels.hpp"

namespace fovea {

/// A convolution and its gradients, without LibTorch's tape: by learn/kernel/winograd.hpp where
/// that has fewer products than pay for it, of few inputs or outputs by kernels of ours, into
/// blocks of its own by a product of matrices, else by oneDNN.
class FusedConvolution {
 public:
  /// `in`: what it reads, with known sizes.
  FusedConvolution(Node const& node, Shape const& in, std::int64_t batch, Execution how);

  bool has_fewer_products() const { return winograd_.has_value(); }

  /// Whether what it reads may be joined of maps of so many channels.
  bool joins(std::vector<std::int64_t> const& channels) const;

  /// x in the working precision and layout, one map or what `joins` allows; weights float32,
  /// with or without a bias.
  at::Tensor forward(std::span<at::Tensor const> weights, std::span<at::Tensor const> x) const;

  struct Gradients {
    std::vector<at::Tensor> x;  ///< none unless asked for, or of what forgets()
    at::Tensor weight, bias;    ///< float32; no bias unless asked for
  };
  struct Ask {
    bool input = true, bias = true;
  };
  Gradients backward(std::span<at::Tensor const> weights,
                     std::span<at::Tensor const> x,
                     at::Tensor const& gradient,
                     Ask ask) const;
  /// Whether the gradient of what it reads can be had later, without what it reads.
  bool forgets() const { return winograd_ || blocks_ || few_outputs_; }
  /// And then it is this, of maps of so many channels.
  std::vector<at::Tensor> input_gradients(std::span<at::Tensor const> weights,
                                          at::Tensor const& gradient,
                                          std::vector<std::int64_t> const& channels) const;

 private:
  Node const& node_;
  Execution how_;
  std::optional<Winograd> winograd_;
  Winograd::Maps maps_;
  std::optional<FewInputs> few_inputs_;    // forward, and to the weights
  std::optional<FewOutputs> few_outputs_;  // backward
  std::optional<FusedBlocks> blocks_;
  std::optional<FusedFewTransposed> few_transposed_;  // forward, not of blocks
};

/// Training on a CPU without LibTorch's tape: the gradients come from the graph itself, what is
/// cheap (norms, activations, joined channels) is computed again instead of kept, and what this
/// executor does not know runs by LibTorch, node by node. To LibTorch it is one differentiable
/// call, whose backward may be called once, before weights or input are changed: else it throws
/// Error{bug}. Outputs and gradients are those of run_by_torch within rounding.
///
/// In   as run_by_torch in training; fits_fused() says yes
std::vector<at::Tensor> run_fused(std::shared_ptr<Program const> program,
                                  Weights const& weights,
                                  Execution how,
                                  at::Tensor const& input,
                                  std::span<std::size_t const> wanted);

/// What of a graph it runs how, in words: "14 of 18 convolutions with fewer products; 18 norms
/// by our kernels; by LibTorch max_pool". For batches of images of this size.
std::string fused_share(Graph const& graph,
                        std::int64_t batch,
                        std::vector<std::int64_t> const& size,
                        Execution how);

/// Whether it can run a pass: a CPU, channels-last, images or volumes; what is wanted lies at
/// the end of what it runs as one.
bool fits_fused(Program const& program,
                Execution how,
                at::Tensor const& input,
                std::span<std::size_t const> wanted);

}  // namespace fovea
