#include "learn/nn/executor.hpp"

#include "learn/nn/together.hpp"

#include <c10/core/GradMode.h>

#include <algorithm>

namespace fovea {
namespace {

std::vector<at::Tensor> executor_lowered(OpRow const& op,
                                         std::vector<at::Tensor> const& weights,
                                         Precision precision) {
  if (!op.lowers || precision == Precision::float32) return weights;
  std::vector<at::Tensor> low;
  for (auto const& weight : weights) low.push_back(weight.to(type_of(precision)));
  return low;
}

Together executor_after_norm(Program const& program, std::size_t norm) {
  Together chain{{norm}, Program::none};
  if (auto const sum = program.only_reader(norm); program.does(sum, "add")) {
    chain.other = program.added_to(norm, sum);
    if (chain.other != Program::none) chain.nodes.push_back(sum);
  }
  auto const next = program.only_reader(chain.nodes.back());
  auto const any = !program.does(norm, "batch_norm");
  auto const joins = program.does(next, "relu") ||
                     (any && (program.does(next, "leaky_relu") || program.does(next, "prelu")));
  if (joins && !program.within[next]) chain.nodes.push_back(next);
  return chain;
}

// Finds what runs together.
void executor_join(Program& program) {
  auto const count = program.graph.nodes.size();
  program.together.resize(count);
  program.within.resize(count);
  program.always.resize(count);
  auto const join = [&](Together chain) {
    for (std::size_t i = 0; i + 1 < chain.nodes.size(); ++i)
      program.within[chain.nodes[i]] = true;
    auto const last = chain.nodes.back();
    program.together[last] = std::move(chain);
  };
  for (std::size_t at = 0; at < count; ++at) {
    auto const next = program.only_reader(at);
    if (program.does(at, "relu") && program.does(next, "max_pool") &&
        program.in_shapes[at][0].size.size() == 2)
      join({{at, next}, Program::none});
  }
  for (std::size_t at = 0; at < count; ++at) {
    if (program.does(at, "batch_norm")) join(executor_after_norm(program, at));
    if (!program.does(at, "instance_norm") && !program.does(at, "group_norm")) continue;
    auto const chain = executor_after_norm(program, at);
    for (auto const node : chain.nodes) program.always[node] = true;
    join(chain);
  }
}

}  // namespace

Program::Program(Graph drawn)
    : graph{std::move(drawn)},
      shapes{shapes_of(graph)},
      rows{weights_of(graph)},
      readers(graph.nodes.size()),
      last_reader(graph.nodes.size(), none) {
  for (std::size_t at = 0; at < graph.nodes.size(); ++at) {
    ops.push_back(&op_named(graph.nodes[at].op));
    auto& in = in_shapes.emplace_back();
    for (auto const from : graph.nodes[at].from) {
      ++readers[from];
      last_reader[from] = at;
      in.push_back(shapes[from]);
    }
  }
  needed = needed_by({});
  executor_join(*this);
}

std::vector<bool> Program::needed_by(std::span<std::size_t const> nodes) const {
  std::vector<bool> all(graph.nodes.size());
  all.back() = true;
  for (auto const node : nodes) all[node] = true;
  for (auto at = all.size(); at-- > 0;) {
    if (!all[at]) continue;
    for (auto const from : graph.nodes[at].from) all[from] = true;
  }
  return all;
}

bool Program::does(std::size_t node, std::string_view op) const {
  return node != none && graph.nodes[node].op == op;
}

std::size_t Program::only_reader(std::size_t node) const {
  return readers[node] == 1 ? last_reader[node] : none;
}

std::size_t Program::added_to(std::size_t node, std::size_t add) const {
  auto const& from = graph.nodes[add].from;
  auto const other = from[0] == node ? from[1] : from[0];
  return other < node ? other : none;
}

bool Program::may_overwrite(std::size_t node, std::span<std::size_t const> wanted) const {
  auto const first = graph.nodes[node].from[0];
  return ops[node]->in_place && readers[first] == 1 && ops[first]->forgets &&
         std::ranges::count(wanted, first) == 0;
}

Slope slope_of(Program const& program, Weights const& weights, Together const& chain) {
  auto const last = chain.nodes.back();
  if (program.does(last, "relu")) return {.fixed = 0};
  if (program.does(last, "leaky_relu"))
    return {.fixed = real_option(program.graph.nodes[last], "slope")};
  if (program.does(last, "prelu")) return {.learnt = weights[last][0]};
  return {};
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

namespace {

// One pass: what has been made so far, and who still needs it.
class ExecutorPass {
 public:
  ExecutorPass(Program const& program, Weights const& weights, Execution how, Pass const& pass)
      : program_{program},
        weights_{weights},
        how_{how},
        pass_{pass},
        runs_{program.needed_by(pass.wanted)},
        apart_{std::ranges::none_of(pass.wanted,
                                    [&](std::size_t node) { return program.within[node]; })},
        made_(program.graph.nodes.size()),
        unread_(program.graph.nodes.size()) {
    for (std::size_t at = 0; at < made_.size(); ++at) {
      if (!runs_[at]) continue;
      for (auto const from : program.graph.nodes[at].from) ++unread_[from];
    }
  }

  std::vector<at::Tensor> operator()(at::Tensor const& input) {
    auto const type = type_of(how_.precision);
    std::vector<at::Tensor> handed_out(pass_.wanted.size() + 1);
    for (std::size_t at = 0; at < made_.size(); ++at) {
      if (!runs_[at]) continue;
      if (at == 0)
        made_[0] = input.to(input.options().dtype(type), false, false,
                            format_of(how_.layout, input.dim()));
      else if (joins(at) && program_.within[at])
        continue;
      else if (joins(at) && !program_.together[at].nodes.empty())
        together(program_.together[at]);
      else
        alone(at);
      for (std::size_t i = 0; i < pass_.wanted.size(); ++i) {
        if (pass_.wanted[i] != at) continue;
        // What is handed out lies on the way to the output, so that the caller can
        // differentiate by it.
        handed_out[i] = made_[at].to(at::kFloat);
        made_[at] = handed_out[i].to(type);
      }
    }
    handed_out.back() = made_.back().to(at::kFloat);
    return handed_out;
  }

 private:
  // What is handed out must not be lost inside a kernel.
  bool joins(std::size_t at) const { return apart_ && (pass_.training || program_.always[at]); }

  void alone(std::size_t at) {
    std::vector<at::Tensor> in;
    for (auto const from : program_.graph.nodes[at].from) in.push_back(made_[from]);
    auto const mine = executor_lowered(*program_.ops[at], weights_[at], how_.precision);
    made_[at] = program_.ops[at]->run({.node = program_.graph.nodes[at],
                                       .in = in,
                                       .weights = mine,
                                       .shapes = program_.in_shapes[at],
                                       .training = pass_.training,
                                       .overwrite = program_.may_overwrite(at, pass_.wanted)});
    for (auto const from : program_.graph.nodes[at].from) has_read(from);
  }

  void together(Together const& chain) {
    auto const& first = program_.graph.nodes[chain.nodes.front()];
    auto const from = first.from[0];
    auto made = joined(chain, made_[from]);
    if (!made) {
      for (auto const at : chain.nodes) alone(at);
      return;
    }
    made_[chain.nodes.back()] = *made;
    has_read(from);
    if (chain.other != Program::none) has_read(chain.other);
  }

  // Nothing if our kernels cannot read it.
  std::optional<at::Tensor> joined(Together const& chain, at::Tensor const& x) const {
    auto const& nodes = program_.graph.nodes;
    if (!lies_in_rows(x)) return std::nullopt;
    auto const first = chain.nodes.front();
    if (nodes[first].op == "relu") return relu_and_max_pool(nodes[chain.nodes.back()], x);
    auto const other = chain.other == Program::none ? at::Tensor{} : made_[chain.other];
    auto const& mine = weights_[first];
    auto const norm =
        chain_of(nodes[first], x.size(1), mine, other, slope_of(program_, weights_, chain));
    if (!norm.batch) return norm_and_more(norm, x);
    if (x.numel() <= x.size(1)) return std::nullopt;
    return norm_and_more(norm, x, mine[2], mine[3], real_option(nodes[first], "momentum"));
  }

  void has_read(std::size_t node) {
    if (--unread_[node] == 0) made_[node].reset();
  }

  Program const& program_;
  Weights const& weights_;
  Execution how_;
  Pass const& pass_;
  std::vector<bool> runs_;
  bool apart_;  // nothing that is wanted lies within a chain
  std::vector<at::Tensor> made_;
  std::vector<std::size_t> unread_;
};

}  // namespace

std::vector<at::Tensor> run_by_torch(Program const& program,
                                     Weights const& weights,
                                     Execution how,
                                     at::Tensor const& input,
                                     Pass const& pass) {
  c10::AutoGradMode const tape{pass.gradient};
  return ExecutorPass{program, weights, how, pass}(input);
}

}  // namespace fovea
