#include "learn/nn/executor.hpp"

#include <c10/core/GradMode.h>

#include <algorithm>

namespace fovea {
namespace {

bool executor_is_wanted(Pass const& pass, std::size_t node) {
  return std::ranges::count(pass.wanted, node) != 0;
}

// The first input's memory is free to take if this node alone reads it, nobody asked for it,
// and its own backward does not need it.
bool executor_overwrites(Program const& program, std::size_t at, Pass const& pass) {
  auto const& from = program.graph.nodes[at].from;
  return program.ops[at]->in_place && program.readers[from[0]] == 1 &&
         program.ops[from[0]]->forgets && !executor_is_wanted(pass, from[0]);
}

std::vector<at::Tensor> executor_lowered(OpRow const& op,
                                         std::vector<at::Tensor> const& weights,
                                         Precision precision) {
  if (!op.lowers || precision == Precision::float32) return weights;
  std::vector<at::Tensor> low;
  for (auto const& weight : weights) low.push_back(weight.to(type_of(precision)));
  return low;
}

}  // namespace

Program::Program(Graph drawn)
    : graph{std::move(drawn)},
      shapes{shapes_of(graph)},
      rows{weights_of(graph)},
      readers(graph.nodes.size()) {
  for (auto const& node : graph.nodes) {
    ops.push_back(&op_named(node.op));
    auto& in = in_shapes.emplace_back();
    for (auto const from : node.from) {
      ++readers[from];
      in.push_back(shapes[from]);
    }
  }
}

at::MemoryFormat format_of(Layout layout, std::int64_t dimensions) {
  if (layout == Layout::channels_last && dimensions == 4) return at::MemoryFormat::ChannelsLast;
  if (layout == Layout::channels_last && dimensions == 5)
    return at::MemoryFormat::ChannelsLast3d;
  return at::MemoryFormat::Contiguous;
}

at::ScalarType type_of(Precision precision) {
  return precision == Precision::bfloat16 ? at::kBFloat16 : at::kFloat;
}

std::vector<at::Tensor> run_by_torch(Program const& program,
                                     Weights const& weights,
                                     Execution how,
                                     at::Tensor const& input,
                                     Pass const& pass) {
  c10::AutoGradMode const tape{pass.gradient};
  auto const& nodes = program.graph.nodes;
  auto const type = type_of(how.precision);
  std::vector<at::Tensor> made(nodes.size());
  std::vector<at::Tensor> handed_out(pass.wanted.size() + 1);
  auto unread = program.readers;

  for (std::size_t at = 0; at < nodes.size(); ++at) {
    if (at == 0) {
      made[0] = input.to(input.options().dtype(type), false, false,
                         format_of(how.layout, input.dim()));
    } else {
      std::vector<at::Tensor> in;
      for (auto const from : nodes[at].from) in.push_back(made[from]);
      auto const mine = executor_lowered(*program.ops[at], weights[at], how.precision);
      made[at] = program.ops[at]->run({.node = nodes[at],
                                       .in = in,
                                       .weights = mine,
                                       .shapes = program.in_shapes[at],
                                       .training = pass.training,
                                       .overwrite = executor_overwrites(program, at, pass)});
    }
    for (std::size_t i = 0; i < pass.wanted.size(); ++i) {
      if (pass.wanted[i] != at) continue;
      // What is handed out lies on the way to the output, so that the caller can differentiate
      // by it.
      handed_out[i] = made[at].to(at::kFloat);
      made[at] = handed_out[i].to(type);
    }
    for (auto const from : nodes[at].from) {
      if (--unread[from] == 0) made[from].reset();
    }
  }
  handed_out.back() = made.back().to(at::kFloat);
  return handed_out;
}

}  // namespace fovea
