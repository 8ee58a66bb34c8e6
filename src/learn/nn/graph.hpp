#pragma once

#include "base/core/json.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace fovea {

/// A node's options: whole numbers and lists of them (kernel, stride), fractions (epsilon) and
/// words (mode). Which ones an operation has, their defaults and limits stand in its row of
/// ops.hpp.
using Option = std::variant<std::int64_t, double, std::vector<std::int64_t>, std::string>;
using Options = std::map<std::string, Option, std::less<>>;

/// One node of a network: an operation of the table in ops.cpp, the nodes it reads, its
/// options.
struct Node {
  std::string op;
  std::vector<std::size_t> from;
  Options options;
  std::string
      name;  ///< of its weights, as a person and other programs know them: "layer1.0.conv1"
};

/// A network as a value. Node 0 is the input, the last node is the output. It can be run by
/// more than one executor, stored with its weights for ever, exported, counted and planned.
struct Graph {
  std::string drawn_by;  ///< name and options of the function that drew it: for people; nothing
                         ///< reads it back
  std::vector<Node> nodes;
  /// Nodes with a meaning: "embedding" (what the head reads), "features" (last feature map),
  /// "bottleneck" (coarsest feature map of an encoder-decoder), "deep1", "deep2" … (heads that
  /// only training runs).
  std::map<std::string, std::size_t, std::less<>> marks;

  /// Adds a node and says its number. Throws Error{bug} if it reads a node that is not there
  /// yet.
  std::size_t add(std::string_view op,
                  std::vector<std::size_t> from,
                  Options options = {},
                  std::string name = {});
};

/// The graph as it is stored:
/// {"version":1,"drawn_by":…,"nodes":[{"op","from","options","name"}…],"marks":{…}}.
Json to_json(Graph const& graph);
/// Throws Error{input} on an unknown version, field or operation, on nodes that do not fit
/// together, on options out of range, on two weights of one name, on more than 100,000 nodes
/// and on more than 10^10 weights: a stored graph is outside bytes.
Graph graph_from(Json const& json);

}  // namespace fovea
