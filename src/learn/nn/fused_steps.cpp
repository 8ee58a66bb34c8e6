#include "learn/nn/fused_steps.hpp"

#include "base/core/words.hpp"
#include "learn/nn/convolve.hpp"
#include "learn/nn/ops_rows.hpp"
#include "learn/nn/segmenter.hpp"

#include <algorithm>
#include <map>

namespace fovea {

FusedSteps::FusedSteps(Program const& program,
                       Execution how,
                       at::IntArrayRef input,
                       std::span<std::size_t const> wanted)
    : runs{program.needed_by(wanted)},
      shapes{shapes_of(program.graph, input.slice(2).vec())},
      program_{program},
      how_{how},
      batch_{input[0]},
      wanted_{wanted.begin(), wanted.end()},
      apart_(program.graph.nodes.size()) {
  std::vector<FusedStep> all;
  for (std::size_t at = 1; at < nodes().size(); ++at) {
    if (!runs[at] || program_.within[at]) continue;
    auto const& chain = program_.together[at];
    all.push_back(chain.nodes.empty() ? alone(at) : joined(chain));
  }
  for (auto& step : all)
    if (!apart_[step.node()]) steps.push_back(std::move(step));
  level();
}

void FusedSteps::level() {
  std::vector<bool> norms(nodes().size());
  for (auto const& step : steps)
    if (step.kind == FusedStep::Kind::chain && nodes()[step.nodes.front()].op != "group_norm")
      norms[step.nodes.front()] = true;
  for (auto& step : steps) {
    auto const reader = program_.only_reader(step.node());
    step.levelled = step.convolution && reader != Program::none && norms[reader] &&
                    std::ranges::count(wanted_, step.node()) == 0;
  }
}

FusedStep FusedSteps::joined(Together const& chain) const {
  FusedStep step{.nodes = chain.nodes, .reads = nodes()[chain.nodes.front()].from};
  if (chain.other != Program::none) step.reads.push_back(chain.other);
  auto const& first = nodes()[chain.nodes.front()];
  auto const& in = shapes[step.reads[0]];
  auto const rank = in.size.size();
  auto const of_many = batch_ * values_of(in.size) > 1;
  if (rank != 1 && first.op.ends_with("_norm") && (first.op != "batch_norm" || of_many))
    step.kind = FusedStep::Kind::chain;
  return step;
}

FusedStep FusedSteps::alone(std::size_t at) {
  auto const& node = nodes()[at];
  FusedStep step{.nodes = {at}, .reads = node.from};
  auto const& in = shapes[node.from[0]];
  auto const rank = in.size.size();
  // The operation itself knows a better way on maps of a few places (convolved_as_matrix).
  constexpr std::int64_t few_places = 8;
  if ((node.op == "conv" && rank >= 2 && values_of(in.size) > few_places) ||
      (node.op == "conv_transpose" && rank >= 2)) {
    FusedConvolution convolution{node, in, batch_, how_};
    if (convolution.forgets() ||
        !needs_care(Convolution::of(node, rank), in.size, program_.rows[at][0].shape,
                    type_of(how_.precision))) {
      step.kind = FusedStep::Kind::convolution;
      if (auto const from = node.from[0]; may_lie_apart(from, at, convolution)) {
        apart_[from] = true;
        step.reads = nodes()[from].from;
      }
      step.convolution.emplace(std::move(convolution));
    }
  }
  if (node.op == "concat" && !in.last && rank >= 2) step.kind = FusedStep::Kind::concat;
  if (node.op == "add") step.kind = FusedStep::Kind::sum;
  return step;
}

// Channels that a convolution alone reads need not be joined for it.
bool FusedSteps::may_lie_apart(std::size_t node,
                               std::size_t reader,
                               FusedConvolution const& convolution) const {
  if (!program_.does(node, "concat") || program_.only_reader(node) != reader ||
      std::ranges::count(wanted_, node) > 0)
    return false;
  std::vector<std::int64_t> channels;
  for (auto const from : nodes()[node].from) channels.push_back(shapes[from].channels);
  return convolution.joins(channels);
}

std::string fused_share(Graph const& graph,
                        std::int64_t batch,
                        std::vector<std::int64_t> const& size,
                        Execution how) {
  Program const program{graph};
  std::vector<std::int64_t> input{batch, program.shapes.front().channels};
  input.insert(input.end(), size.begin(), size.end());
  FusedSteps const all{program, how, input, deep_heads(graph)};
  std::int64_t convolutions = 0, fewer = 0, transposed = 0, norms = 0;
  std::map<std::string, std::int64_t> others;
  for (auto const& step : all.steps) {
    auto const& op = graph.nodes[step.nodes.front()].op;
    if (step.kind == FusedStep::Kind::chain) ++norms;
    if (step.kind == FusedStep::Kind::torch) ++others[op];
    if (step.kind != FusedStep::Kind::convolution) continue;
    if (op == "conv_transpose") {
      ++transposed;
      continue;
    }
    ++convolutions;
    if (step.convolution->has_fewer_products()) ++fewer;
  }
  std::vector<std::string> words;
  if (convolutions > 0)
    words.push_back(text(fewer, " of ", convolutions, " convolutions with fewer products"));
  if (transposed > 0) words.push_back(text(transposed, " transposed"));
  if (norms > 0) words.push_back(text(norms, " norms by our kernels"));
  std::vector<std::string> by_torch;
  for (auto const& [op, count] : others)
    by_torch.push_back(count > 1 ? text(op, " x", count) : op);
  if (!by_torch.empty()) words.push_back("by LibTorch " + joined(by_torch, ", "));
  return joined(words, "; ");
}

}  // namespace fovea
