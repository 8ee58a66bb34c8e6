#pragma once

#include "learn/nn/graph.hpp"

#include <ATen/core/Tensor.h>

#include <span>

namespace fovea {

/// The shape of what a node gives, without the batch axis. Three kinds of values travel through
/// a graph: images [batch, channels, size…], rows [batch, size…, channels] (`last`: tokens,
/// channels-last images), and vectors [batch, channels] (no size, not `last`).
struct Shape {
  std::int64_t channels = 0;
  std::vector<std::int64_t> size;  ///< (k,) j, i; `unknown` where it follows the input
  bool last = false;               ///< channels are the last axis

  static constexpr std::int64_t unknown = -1;
  bool operator==(Shape const&) const = default;
};
using Shapes = std::span<Shape const>;

/// One option of an operation. `axes` is one number for all axes, or a list with one for each.
struct OptionRow {
  enum class Kind { whole, real, axes, word };
  std::string_view name;
  Kind kind = Kind::whole;
  double low = 0, high = 0;  ///< limits, both allowed
  double standard = 0;       ///< when it is not given
  bool required = false;
  std::string_view words = {};  ///< of a word: "nearest|linear"; the first is the standard
};

/// How fresh weights begin.
enum class Begin {
  he,       ///< normal, variance 2 / fan-in (He et al., ICCV 2015)
  uniform,  ///< uniform within 1 / sqrt(fan-in) (LeCun et al., 1998)
  small,    ///< normal, deviation 0.02, as transformers do
  zeros,
  ones,
};

/// One tensor that a node owns.
struct WeightRow {
  std::string name;  ///< "weight": the tensor's whole name is NODE.weight
  std::vector<std::int64_t> shape;
  Begin begin = Begin::zeros;
  std::int64_t fan_in = 1;
  bool learnt = true;  ///< else kept: running means
  bool decays = true;  ///< weight decay acts on it
  double factor = 1;   ///< multiplies what it begins with: he, ones
};

/// What an operation gets when it runs.
struct RunOp {
  Node const& node;
  std::span<at::Tensor const> in;
  std::span<at::Tensor const> weights;  ///< in the order of its row's `weights`
  Shapes shapes;  ///< of what it reads, sizes unknown that follow the input
  bool training = false;
  bool overwrite =
      false;  ///< the first input is needed by nobody else: its memory may take the result
};

/// What an operation gets to write itself as TorchScript: names of what it reads.
struct ScriptOp {
  Node const& node;
  std::span<std::string const> in;
  std::span<std::string const> weights;
  Shapes shapes;  ///< of what it reads
};

/// One row for each operation that a network can use. Running, counting, storing and exporting
/// read this table; another executor needs nothing else of a graph.
struct OpRow {
  std::string_view name;
  std::string_view does;
  std::size_t least = 1, most = 1;  ///< nodes it reads
  std::span<OptionRow const> options = {};
  /// Throws Error{input} if it cannot read such shapes.
  Shape (*shape)(Node const&, Shapes in);
  std::vector<WeightRow> (*weights)(Node const&, Shapes in) = nullptr;
  at::Tensor (*run)(RunOp const&) = nullptr;         ///< by LibTorch: any device, with gradient
  std::string (*script)(ScriptOp const&) = nullptr;  ///< one expression
  std::string_view helper = {};  ///< methods of self that it calls, in TorchScript
  double (*multiply_adds)(Node const&, Shapes in, Shape const& out) = nullptr;
  bool lowers = false;  ///< its weights are used in the working precision (convolution, linear)
  bool in_place = false;  ///< heeds RunOp::overwrite
  bool forgets =
      false;  ///< its backward does not need its output, so that the next may overwrite it
  bool needs_sizes = false;  ///< its backward needs no more of what it reads than its size
  bool cheap = false;  ///< the same each time, and made again as soon as read: value by value;
                       ///< of weights as they are, not of lowered ones
};
std::span<OpRow const> ops();
/// Throws Error{input} with the nearest name.
OpRow const& op_named(std::string_view name);

/// An option as it holds, given or standard.
std::int64_t whole_option(Node const& node, std::string_view name);
double real_option(Node const& node, std::string_view name);
std::string word_option(Node const& node, std::string_view name);
/// One number for each of `rank` axes. Throws Error{input} if a list of another length was
/// given.
std::vector<std::int64_t> axes_option(Node const& node,
                                      std::string_view name,
                                      std::size_t rank);

/// Shapes of all nodes' outputs, for an input of `size` or, without one, with sizes unknown
/// that follow the input. Checks the whole graph: operations, options, numbers of inputs,
/// shapes. Throws Error{input} naming the node.
std::vector<Shape> shapes_of(Graph const& graph, std::vector<std::int64_t> const& size = {});

/// The tensors of every node, by node, under their whole names. Throws Error{input} if two have
/// one name.
std::vector<std::vector<WeightRow>> weights_of(Graph const& graph);

}  // namespace fovea
