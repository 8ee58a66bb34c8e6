#pragma once

#include "learn/nn/fused.hpp"

namespace fovea {

/// What the fused executor runs as one.
struct FusedStep {
  enum class Kind { convolution, chain, concat, sum, torch };
  Kind kind = Kind::torch;
  std::vector<std::size_t> nodes;  ///< in order; the last is the one that others read
  std::vector<std::size_t> reads;
  std::optional<FusedConvolution> convolution = {};
  bool levelled = false;  ///< the norm behind it takes its bias out again

  std::size_t node() const { return nodes.back(); }
};

/// All of them, in order, for inputs of this size: [batch, channels, (k,) j, i].
class FusedSteps {
 public:
  FusedSteps(Program const& program,
             Execution how,
             at::IntArrayRef input,
             std::span<std::size_t const> wanted);

  std::vector<bool> runs;     ///< by node
  std::vector<Shape> shapes;  ///< by node
  std::vector<FusedStep> steps;

 private:
  std::vector<Node> const& nodes() const { return program_.graph.nodes; }
  FusedStep joined(Together const& chain) const;
  FusedStep alone(std::size_t at);
  void level();
  bool may_lie_apart(std::size_t node,
                     std::size_t reader,
                     FusedConvolution const& convolution) const;

  Program const& program_;
  Execution how_;
  std::int64_t batch_;
  std::vector<std::size_t> wanted_;
  std::vector<bool> apart_;  // joined channels that nobody makes, by node
};

}  // namespace fovea
