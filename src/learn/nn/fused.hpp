#pragma once

#include "learn/kernel/few_inputs.hpp"
#include "learn/kernel/winograd.hpp"
#include "learn/nn/executor.hpp"

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
  at::Tensor few_weights(at::Tensor const& weight,
                         at::Tensor const& x,
                         at::Tensor const& gradient) const;
  at::Tensor block_weights(at::Tensor const& weight,
                           at::Tensor const& x,
                           at::Tensor const& gradient) const;
  at::Tensor block_rows(at::Tensor const& weight, at::Tensor const& gradient) const;
  std::vector<std::int64_t> coarse_of(at::Tensor const& weight,
                                      at::Tensor const& gradient) const;

  Node const& node_;
  Execution how_;
  std::optional<Winograd> winograd_;
  Winograd::Maps maps_;
  std::optional<FewInputs> few_inputs_;  // forward only
  bool blocks_ = false;       // a transposed convolution whose outputs do not overlap
  bool few_outputs_ = false;  // of one place, to few channels
};

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

/// What does a convolution of a few channels forward; nothing where it cannot, or where oneDNN
/// has units for matrices.
std::optional<FewInputs> few_inputs_of(Node const& node, Shape const& in, Execution how);
/// weight, bias: float32, the latter may be undefined; x: as that of winograd_convolved.
at::Tensor few_inputs_convolved(FewInputs const& kernel,
                                at::Tensor const& weight,
                                at::Tensor const& bias,
                                at::Tensor const& x);

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
