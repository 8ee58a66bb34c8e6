#pragma once

#include "learn/nn/network.hpp"
#include "learn/nn/ops.hpp"
#include "learn/nn/together.hpp"

namespace fovea {

/// Nodes that one pass of a kernel runs together (together.hpp): in training a batch norm with
/// the sum and the ReLU behind it, or a ReLU and the max_pool behind it; always an instance
/// or group norm with the sum and the ReLU, of whatever slope, behind it. Nobody else reads
/// what is made between them.
struct Together {
  std::vector<std::size_t> nodes;                    ///< in order; others read the last one
  std::size_t other = static_cast<std::size_t>(-1);  ///< the sum's other side, or Program::none
};

/// What every executor reads: a graph, checked, with what follows from it alone.
struct Program {
  static constexpr std::size_t none = static_cast<std::size_t>(-1);  ///< no node
  explicit Program(Graph drawn);

  /// What has to run for these nodes and the output.
  std::vector<bool> needed_by(std::span<std::size_t const> nodes) const;

  bool does(std::size_t node, std::string_view op) const;  ///< false for `none`
  /// Who reads it, if that is one node; else `none`.
  std::size_t only_reader(std::size_t node) const;
  /// What the sum `add` adds to `node`, if that has been made by then; else `none`. Of two
  /// nodes that are added the later one may so take the sum upon it.
  std::size_t added_to(std::size_t node, std::size_t add) const;
  /// Whether what `node` gives may take the memory of what it reads first: it alone reads that,
  /// nobody wants it, and its own gradient does not need it.
  bool may_overwrite(std::size_t node, std::span<std::size_t const> wanted) const;

  Graph graph;
  std::vector<OpRow const*> ops;  ///< by node, as all that follows
  std::vector<Shape> shapes;      ///< of what it gives, sizes unknown that follow the input
  std::vector<std::vector<Shape>> in_shapes;  ///< of what it reads
  std::vector<std::vector<WeightRow>> rows;   ///< its tensors
  std::vector<std::size_t> readers;           ///< how many nodes read it
  std::vector<std::size_t> last_reader;       ///< or `none`
  std::vector<bool> needed;                   ///< by the output; the others only train
  std::vector<Together> together;             ///< ending here; empty for most
  std::vector<bool> within;                   ///< runs as a part of what ends later
  std::vector<bool> always;                   ///< runs together at inference too
};

/// The tensors of a network, by node, in the order of Program::rows; float32.
using Weights = std::vector<std::vector<at::Tensor>>;

/// One pass through a network.
struct Pass {
  std::span<std::size_t const> wanted =
      {};  ///< nodes whose outputs are handed out, before the last one's
  bool training = false;
  bool gradient = false;  ///< keep the tape
};

/// The reference executor: node after node by LibTorch, on any device, with gradient. What the
/// wanted nodes and the output do not need is not run; what no later node reads is let go.
std::vector<at::Tensor> run_by_torch(Program const& program,
                                     Weights const& weights,
                                     Execution how,
                                     at::Tensor const& input,
                                     Pass const& pass);

/// Prepared inference on a CPU, without gradient: batch norm is folded into the convolution
/// before it, weights lie in the working precision and in oneDNN's own order, and sums and
/// activations ride on the convolutions that feed them.
class Prepared {
 public:
  Prepared(Program const& program, Weights const& weights, Execution how);
  ~Prepared();
  Prepared(Prepared const&) = delete;
  Prepared& operator=(Prepared const&) = delete;

  /// True while the weights are still those that it was made of.
  bool holds(Weights const& weights, Execution how) const;
  at::Tensor operator()(at::Tensor const& input) const;
  /// Whether a step of its own makes what `node` gives: it may have been fused with the next.
  bool makes(std::size_t node) const;
  /// As far as `node`, which a step makes; in the working precision.
  at::Tensor until(std::size_t node, at::Tensor const& input) const;

 private:
  struct Steps;
  std::unique_ptr<Steps> steps_;
};

/// Bytes that Prepared makes of the weights for inputs of this size, and works in, beside the
/// weights in the working precision.
std::int64_t prepared_bytes(Program const& program,
                            Execution how,
                            std::vector<std::int64_t> const& size);

/// The activation that ends a chain which begins with a norm.
Slope slope_of(Program const& program, Weights const& weights, Together const& chain);

at::MemoryFormat format_of(Layout layout, std::int64_t dimensions);
at::ScalarType type_of(Precision precision);

}  // namespace fovea
