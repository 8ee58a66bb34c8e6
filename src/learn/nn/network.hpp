#pragma once

#include "learn/nn/graph.hpp"

#include <ATen/core/Tensor.h>

#include <memory>
#include <optional>
#include <span>

namespace fovea {

enum class Precision { float32, bfloat16 };
enum class Layout { contiguous, channels_last };
/// LibTorch node by node (norms and what follows them by kernels of ours); or our own
/// convolutions and gradients over the whole graph, where it is channels-last on a CPU, and
/// LibTorch for what they do not know.
enum class Executor { torch, fused };
/// How the arithmetic is done: what the probe chooses and the plan states. Results differ
/// within rounding only.
struct Execution {
  Precision precision = Precision::float32;
  Layout layout = Layout::contiguous;
  Executor executor = Executor::torch;
  bool operator==(Execution const&) const = default;
};

/// A tensor of a network by name: "layer1.0.conv1.weight", "bn1.running_mean".
struct Named {
  std::string name;
  at::Tensor value;
  bool decays = true;  ///< weight decay acts on it: not on biases, norms and what is kept
};

/// The last layer of a network that ends in a convolution of one voxel: linear, so that it can
/// be applied behind what is linear too (averages of windows, resampling).
struct LinearHead {
  at::Tensor weight;  ///< [outputs, channels] float32
  at::Tensor bias;    ///< [outputs] float32; zeros if it has none
};

/// A graph with weights. Cheap to copy: copies share the weights. Which executor runs it nobody
/// outside this folder can tell.
class Network {
 public:
  /// Fresh weights by seed: normal with variance 2 / fan-in (He 2015) for convolutions, and as
  /// each operation's row says for the others.
  Network(Graph graph, std::uint64_t seed);

  Graph const& graph() const;

  /// Inference: batch norm uses its running statistics, no dropout, no gradient tape unless the
  /// input or `gradient` asks.
  ///
  /// In   [batch, channels, (k,) j, i] float32 on the device of the weights
  /// Out  what the last node gives, float32
  at::Tensor operator()(at::Tensor const& input) const;

  /// Training: batch statistics, dropout, gradients to the weights; random numbers come from
  /// LibTorch's generator, which the caller seeds. Executor::fused gives the gradients once,
  /// before weights or input are changed; else it throws Error{bug}.
  at::Tensor train(at::Tensor const& input);

  /// Training of a network with several heads: the output, then what each of deep_heads() gives
  /// (segmenter.hpp), all float32. operator() and train() do not compute those.
  std::vector<at::Tensor> train_all(at::Tensor const& input);

  /// The last layer, if it is a convolution of one voxel that reads what is marked "features".
  /// output = weight * features + bias at each voxel.
  std::optional<LinearHead> head() const;

  /// Inference up to the mark "features", without what lies behind it, without a gradient tape.
  /// Throws Error{bug} if the graph has no such mark.
  ///
  /// Out  [batch, channels, (k,) j, i] in the working precision, as it lies
  at::Tensor features(at::Tensor const& input) const;

  /// Inference that also hands out the outputs of `nodes` (in that order, before the final
  /// output's). `gradient`: keep the tape, so that the caller can differentiate.
  std::vector<at::Tensor> outputs(at::Tensor const& input,
                                  std::vector<std::size_t> const& nodes,
                                  bool gradient = false) const;

  /// What is learnt, in the order of the nodes; float32; requires_grad. Write into them with
  /// LibTorch's operations (copy_, add_): inference keeps copies (folded, in the working
  /// precision) that it renews when a tensor's version or memory has changed, or after train().
  /// With Layout::channels_last the weights of convolutions lie channels-last in memory: their
  /// values and sizes are the same, contiguous() gives the usual order.
  std::vector<Named> parameters() const;
  /// What is kept but not learnt: running means and variances.
  std::vector<Named> buffers() const;

  /// Bytes that inference on a CPU holds for inputs of this size beside the weights in the
  /// working precision, and what passes through: weights in another order.
  std::int64_t held_bytes(std::vector<std::int64_t> const& size) const;

  /// A second network with the same graph and weights of its own.
  Network clone() const;

  void execution(Execution how);
  Execution execution() const;
  void to(at::Device device);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// What a network for a task is asked to be. Not every row heeds every field.
struct Draw {
  std::int64_t in = 1;   ///< channels
  std::int64_t out = 2;  ///< outputs
  int dimensions = 2;    ///< 2 or 3
  std::int64_t size =
      224;  ///< pixels along a side that it will mostly see: stem and pooling follow it
  double dropout = 0;        ///< before the head, where the paper has none
  bool torchvision = false;  ///< exactly torchvision's, whatever the size: for pretrained
                             ///< weights and parity tests
};

/// One row for each network a user can name. Add yours in catalogue.cpp.
struct NetworkRow {
  std::string_view name;
  std::string_view paper;
  Graph (*draw)(Draw const& draw);
  bool volumes = false;  ///< can be drawn with dimensions = 3
};
std::span<NetworkRow const> networks();
/// Throws Error{usage} with the nearest name.
NetworkRow const& network_named(std::string_view name);

/// Multiply-adds of one forward pass and numbers of weights, counted from the graph for an
/// input [1, in, size…]; what no output needs (heads for training) is not run, but its weights
/// count.
struct Cost {
  double multiply_adds = 0;
  std::int64_t parameters = 0;
  /// Of convolutions' outputs together, which a training step holds for its gradients.
  double convolved_values = 0;
};
Cost cost_of(Graph const& graph, std::vector<std::int64_t> const& size);

/// TorchScript source of the graph for inference: `def forward(self, x: Tensor) -> Tensor`, a
/// line for each node, behind the methods that some operations call; sizes stay dynamic.
/// torchscript.hpp writes it with its weights as an archive.
std::string torchscript_source(Graph const& graph);

}  // namespace fovea
