#include "learn/nn/network.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"
#include "learn/nn/fused.hpp"
#include "learn/nn/ops_rows.hpp"
#include "learn/nn/segmenter.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <set>

namespace fovea {
namespace {

constexpr std::size_t network_most_sizes = 256;  // of inputs, that are remembered as checked

at::Tensor network_fresh(WeightRow const& row, at::Generator& generator) {
  auto const value = at::empty(row.shape, at::kFloat);
  auto const fan_in = static_cast<double>(row.fan_in);
  switch (row.begin) {
    case Begin::he:
      value.normal_(0, row.factor * std::sqrt(2 / fan_in), generator);
      break;
    case Begin::uniform:
      value.uniform_(-1 / std::sqrt(fan_in), 1 / std::sqrt(fan_in), generator);
      break;
    case Begin::small:
      value.normal_(0, 0.02, generator);
      break;
    case Begin::ones:
      value.fill_(row.factor);
      break;
    case Begin::zeros:
      value.zero_();
      break;
  }
  return row.learnt ? value.set_requires_grad(true) : value;
}

}  // namespace

struct Network::State {
  explicit State(Graph drawn) : shared{std::make_shared<Program const>(std::move(drawn))} {}

  std::shared_ptr<Program const> shared;  // what is trained may outlive the network
  Program const& program = *shared;
  Weights weights;
  Execution execution;
  std::mutex guard;  // of what follows: prediction may come from many threads
  std::set<std::vector<std::int64_t>> fitting;  // sizes of inputs that were checked
  std::shared_ptr<Prepared const> prepared;

  void check(at::Tensor const& input);
  std::vector<at::Tensor> train(at::Tensor const& input,
                                std::vector<std::size_t> const& wanted);
  std::shared_ptr<Prepared const> ready();
  std::vector<Named> named(bool learnt) const;
};

// Sizes are checked by the graph before LibTorch sees them: its own message would not name the
// node.
void Network::State::check(at::Tensor const& input) {
  auto const& expected = program.shapes[0];
  auto const rank = static_cast<std::int64_t>(expected.size.size());
  if (input.dim() != rank + 2 || input.size(1) != expected.channels || input.size(0) < 1)
    throw Error{Fault::input,
                text("expected images [batch, ", expected.channels,
                     rank == 0 ? "]" : text(", ", rank, " sizes]"), ", got ", input.sizes()),
                "prepare the images as the network's input contract says"};
  if (!input.is_floating_point())
    throw Error{Fault::input, text("expected float32 images, got ", input.scalar_type()),
                "scale them to float32"};
  auto const size = input.sizes().slice(2).vec();
  std::lock_guard const lock{guard};
  if (fitting.contains(size)) return;
  shapes_of(program.graph, size);
  if (fitting.size() < network_most_sizes) fitting.insert(size);
}

std::vector<at::Tensor> Network::State::train(at::Tensor const& input,
                                              std::vector<std::size_t> const& wanted) {
  check(input);
  {
    std::lock_guard const lock{guard};
    prepared = nullptr;  // the weights are about to change
  }
  if (execution.executor == Executor::fused && fits_fused(program, execution, input, wanted))
    return run_fused(shared, weights, execution, input, wanted);
  return run_by_torch(program, weights, execution, input,
                      {.wanted = wanted, .training = true, .gradient = true});
}

std::shared_ptr<Prepared const> Network::State::ready() {
  std::lock_guard const lock{guard};
  if (prepared == nullptr || !prepared->holds(weights, execution))
    prepared = std::make_shared<Prepared const>(program, weights, execution);
  return prepared;
}

std::vector<Named> Network::State::named(bool learnt) const {
  std::vector<Named> all;
  for (std::size_t node = 0; node < weights.size(); ++node) {
    for (std::size_t i = 0; i < weights[node].size(); ++i) {
      auto const& row = program.rows[node][i];
      if (row.learnt == learnt) all.push_back({row.name, weights[node][i], row.decays});
    }
  }
  return all;
}

Network::Network(Graph graph, std::uint64_t seed)
    : state_{std::make_shared<State>(std::move(graph))} {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  for (auto const& rows : state_->program.rows) {
    auto& mine = state_->weights.emplace_back();
    for (auto const& row : rows) mine.push_back(network_fresh(row, generator));
  }
}

Graph const& Network::graph() const {
  return state_->program.graph;
}

at::Tensor Network::operator()(at::Tensor const& input) const {
  if (input.requires_grad() && c10::GradMode::is_enabled())
    return outputs(input, {}, true).back();
  state_->check(input);
  if (input.device().is_cpu()) return (*state_->ready())(input);
  return run_by_torch(state_->program, state_->weights, state_->execution, input, {}).back();
}

at::Tensor Network::train(at::Tensor const& input) {
  return state_->train(input, {}).back();
}

std::vector<at::Tensor> Network::train_all(at::Tensor const& input) {
  auto all = state_->train(input, deep_heads(state_->program.graph));
  std::rotate(all.begin(), all.end() - 1, all.end());
  return all;
}

std::optional<LinearHead> Network::head() const {
  auto const& program = state_->program;
  auto const& node = program.graph.nodes.back();
  auto const features = program.graph.marks.find("features");
  if (node.op != "conv" || features == program.graph.marks.end() ||
      node.from[0] != features->second)
    return std::nullopt;
  auto const rank = program.shapes[node.from[0]].size.size();
  std::vector<std::int64_t> const one(rank, 1), zero(rank, 0);
  if (axes_option(node, "kernel", rank) != one || axes_option(node, "stride", rank) != one ||
      axes_option(node, "padding", rank) != zero || whole_option(node, "groups") != 1)
    return std::nullopt;
  auto const& mine = state_->weights.back();
  auto const weight = mine[0].detach().flatten(1).contiguous();
  return LinearHead{weight, mine.size() > 1 ? mine[1].detach().clone()
                                            : at::zeros({weight.size(0)}, weight.options())};
}

at::Tensor Network::features(at::Tensor const& input) const {
  auto const& marks = state_->program.graph.marks;
  auto const mark = marks.find("features");
  if (mark == marks.end())
    throw Error{Fault::bug, "features are asked of a network that marks none",
                "ask head() first"};
  state_->check(input);
  if (input.device().is_cpu()) {
    auto const prepared = state_->ready();
    if (prepared->makes(mark->second)) return prepared->until(mark->second, input);
  }
  return outputs(input, {mark->second}).front().to(type_of(state_->execution.precision));
}

std::vector<at::Tensor> Network::outputs(at::Tensor const& input,
                                         std::vector<std::size_t> const& nodes,
                                         bool gradient) const {
  state_->check(input);
  for (auto const node : nodes) {
    if (node >= state_->weights.size())
      throw Error{Fault::bug,
                  text("no node ", node, " in a network of ", state_->weights.size()),
                  "ask for one of its nodes"};
  }
  return run_by_torch(state_->program, state_->weights, state_->execution, input,
                      {.wanted = nodes, .gradient = gradient});
}

std::vector<Named> Network::parameters() const {
  return state_->named(true);
}
std::vector<Named> Network::buffers() const {
  return state_->named(false);
}

std::int64_t Network::held_bytes(std::vector<std::int64_t> const& size) const {
  return prepared_bytes(state_->program, state_->execution, size);
}

Network Network::clone() const {
  Network copy{*this};
  copy.state_ = std::make_shared<State>(state_->program.graph);
  copy.state_->execution = state_->execution;
  for (auto const& mine : state_->weights) {
    auto& theirs = copy.state_->weights.emplace_back();
    for (auto const& weight : mine)
      theirs.push_back(weight.detach().clone().set_requires_grad(weight.requires_grad()));
  }
  return copy;
}

void Network::execution(Execution how) {
  state_->execution = how;
  for (std::size_t node = 0; node < state_->weights.size(); ++node) {
    if (!state_->program.ops[node]->lowers) continue;
    // The tensor stays the one that optimisers know: only its memory is another.
    for (auto& weight : state_->weights[node])
      weight.set_data(weight.detach().contiguous(format_of(how.layout, weight.dim())));
  }
}

Execution Network::execution() const {
  return state_->execution;
}

void Network::to(at::Device device) {
  for (auto& mine : state_->weights) {
    for (auto& weight : mine) weight.set_data(weight.detach().to(device));
  }
}

Cost cost_of(Graph const& graph, std::vector<std::int64_t> const& size) {
  auto const shapes = shapes_of(graph, size);
  auto const weights = weights_of(graph);
  auto const needed = Program{graph}.needed;
  Cost cost;
  for (std::size_t node = 0; node < graph.nodes.size(); ++node) {
    for (auto const& row : weights[node]) {
      if (row.learnt) cost.parameters += values_of(row.shape);
    }
    if (!needed[node]) continue;
    auto const& op = op_named(graph.nodes[node].op);
    std::vector<Shape> in;
    for (auto const from : graph.nodes[node].from) in.push_back(shapes[from]);
    if (op.multiply_adds != nullptr)
      cost.multiply_adds += op.multiply_adds(graph.nodes[node], in, shapes[node]);
    if (graph.nodes[node].op.starts_with("conv"))
      cost.convolved_values += static_cast<double>(shapes[node].channels) *
                               static_cast<double>(values_of(shapes[node].size));
  }
  return cost;
}

NetworkRow const& network_named(std::string_view name) {
  std::vector<std::string> known;
  for (auto const& row : networks()) {
    if (row.name == name) return row;
    known.emplace_back(row.name);
  }
  throw Error{Fault::usage, text("no network '", name, "'"), did_you_mean(name, known)};
}

}  // namespace fovea
