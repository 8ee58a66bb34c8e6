#include "learn/nn/convolve.hpp"
#include "learn/nn/fused_kernels.hpp"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/core/List.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <mutex>

namespace fovea {
// Named, not anonymous: Prepared::Steps holds these types.
namespace prepared_parts {

using PreparedScalars = c10::List<std::optional<at::Scalar>>;  // of activations with numbers of
                                                               // their own: none here

// oneDNN's name for an activation that can ride on a convolution; LibTorch hands it through.
std::string_view prepared_rider(std::string_view op) {
  if (op == "relu" || op == "gelu" || op == "sigmoid" || op == "tanh" || op == "hardswish")
    return op;
  return op == "silu" ? "swish" : "none";
}

// Weights as our own convolution wants them, made when a map first asks for it.
struct PreparedWinograd {
  at::Tensor weight = {}, bias = {};  // folded, float32
  std::once_flag once = {};
  at::Tensor prepared = {};

  at::Tensor const& of(Winograd const& kernel) {
    std::call_once(once, [&] {
      prepared = winograd_prepared(kernel, winograd_steps(weight));
      weight.reset();
    });
    return prepared;
  }
};

struct PreparedFewInputs {
  FewInputs kernel;
  at::Tensor weight, bias;  // folded, float32
};

// A convolution as oneDNN will run it: with all that rides on it.
struct PreparedConv {
  std::size_t node = Program::none;
  at::Tensor weight = {};  // in oneDNN's own order if `packed`
  at::Tensor bias = {};
  Convolution how;
  bool packed = false;
  std::shared_ptr<PreparedWinograd> winograd = {};  // on maps where it pays
  std::optional<PreparedFewInputs> few_inputs = {};
  std::size_t sum = Program::none;  // the node that is added to it
  OpRow const* activation = nullptr;
};

struct PreparedStep {
  std::size_t node = 0;            // whose output it makes
  std::vector<std::size_t> reads;  // nodes
  std::vector<at::Tensor> weights = {};
  std::optional<PreparedConv> conv = {};
  std::optional<FusedFewTransposed> few_transposed = {};
  Together const* together = nullptr;  // a chain that begins with a norm
  Slope slope = {};                    // which ends it
  bool overwrite = false;
};

at::Tensor prepared_convolve(PreparedConv const& c, at::Tensor const& x) {
  using Run = at::Tensor(at::Tensor const&, at::Tensor const&, std::optional<at::Tensor> const&,
                         at::IntArrayRef, at::IntArrayRef, at::IntArrayRef, std::int64_t,
                         std::string_view, c10::List<std::optional<at::Scalar>>,
                         std::optional<std::string_view>);
  static auto const run = c10::Dispatcher::singleton()
                              .findSchemaOrThrow("mkldnn::_convolution_pointwise", "")
                              .typed<Run>();
  auto const rider = c.activation == nullptr ? "none" : prepared_rider(c.activation->name);
  auto const algorithm =
      rider == "gelu" ? std::optional<std::string_view>{"none"} : std::nullopt;
  auto const in = framed(x, c.weight.sizes(), c.how);
  return run.call(in.x, c.weight, c.bias, in.how.padding, in.how.stride, in.how.dilation,
                  in.how.groups, rider, PreparedScalars{}, algorithm);
}

at::Tensor prepared_convolve_and_add(PreparedConv const& c,
                                     at::Tensor const& x,
                                     at::Tensor const& other) {
  using Run = at::Tensor(at::Tensor const&, at::Tensor const&, at::Tensor const&,
                         std::optional<at::Tensor> const&, at::IntArrayRef, at::IntArrayRef,
                         at::IntArrayRef, std::int64_t, std::string_view,
                         std::optional<at::Scalar>, std::optional<std::string_view>,
                         c10::List<std::optional<at::Scalar>>, std::optional<std::string_view>);
  static auto const run = c10::Dispatcher::singleton()
                              .findSchemaOrThrow("mkldnn::_convolution_pointwise", "binary")
                              .typed<Run>();
  auto const rider =
      c.activation == nullptr ? std::nullopt : std::optional<std::string_view>{"relu"};
  auto const in = framed(x, c.weight.sizes(), c.how);
  return run.call(in.x, other, c.weight, c.bias, in.how.padding, in.how.stride, in.how.dilation,
                  in.how.groups, "add", at::Scalar{1}, rider, PreparedScalars{}, {});
}

at::Tensor prepared_packed(PreparedConv const& c) {
  using Run = at::Tensor(at::Tensor const&, at::IntArrayRef, at::IntArrayRef, at::IntArrayRef,
                         std::int64_t, at::OptionalIntArrayRef);
  static auto const run = c10::Dispatcher::singleton()
                              .findSchemaOrThrow("mkldnn::_reorder_convolution_weight", "")
                              .typed<Run>();
  return run.call(c.weight, c.how.padding, c.how.stride, c.how.dilation, c.how.groups,
                  std::nullopt);
}

bool prepared_packs(Precision precision) {
  if (!at::hasMKLDNN() || !at::globalContext().userEnabledMkldnn()) return false;
  if (precision == Precision::float32) return true;
  static auto const bfloat16 = c10::Dispatcher::singleton()
                                   .findSchemaOrThrow("mkldnn::_is_mkldnn_bf16_supported", "")
                                   .typed<bool()>();
  return bfloat16.call();
}

struct PreparedMark {
  void const* memory;
  std::uint32_t version;
  bool operator==(PreparedMark const&) const = default;
};

std::vector<PreparedMark> prepared_marks(Weights const& weights) {
  std::vector<PreparedMark> marks;
  for (auto const& mine : weights) {
    for (auto const& weight : mine)
      marks.push_back({weight.const_data_ptr(), static_cast<std::uint32_t>(weight._version())});
  }
  return marks;
}

// Reads a graph once and writes the steps.
class PreparedWriter {
 public:
  PreparedWriter(Program const& program, Weights const& weights, Execution how)
      : program_{program}, weights_{weights}, how_{how} {}

  std::vector<PreparedStep> written() {
    std::vector<PreparedStep> steps;
    for (std::size_t at = 1; at < program_.graph.nodes.size(); ++at) {
      if (!program_.needed[at]) continue;
      if (program_.always[at]) {
        if (!program_.within[at]) steps.push_back(together(at));
      } else if (auto const fused = at_end_of_a_chain(at)) {
        steps.push_back(*fused);
      } else if (!inside_a_chain(at)) {
        steps.push_back(plain(at));
      }
    }
    return steps;
  }

  // Convolutions that nothing rides on.
  std::vector<std::size_t> alone() const {
    std::vector<std::size_t> out;
    for (std::size_t at = 1; at < program_.graph.nodes.size(); ++at) {
      if (program_.needed[at] && program_.does(at, "conv") && stands_alone(chain_from(at)))
        out.push_back(at);
    }
    return out;
  }

 private:
  // A chain is convolution, batch norm, sum, activation; all but the first may be missing. It
  // runs where it ends, when the other side of the sum is there.
  struct Chain {
    std::size_t conv = Program::none, norm = Program::none, sum = Program::none,
                activation = Program::none;
    std::size_t end = Program::none;
  };

  Chain chain_from(std::size_t conv) const {
    Chain chain{.conv = conv, .end = conv};
    if (auto const next = program_.only_reader(chain.end); program_.does(next, "batch_norm"))
      chain.norm = chain.end = next;
    auto const rank = program_.in_shapes[conv][0].size.size();
    if (!prepared_packs(how_.precision) || rank < 2) return chain;
    // Only the later of two chains may take the sum upon it: the earlier one's value is there
    // by then.
    if (auto const next = program_.only_reader(chain.end);
        program_.does(next, "add") && program_.added_to(chain.end, next) != Program::none)
      chain.sum = chain.end = next;
    if (auto const next = program_.only_reader(chain.end); next != Program::none) {
      auto const rider = prepared_rider(program_.graph.nodes[next].op);
      if (rider == "relu" || (rider != "none" && chain.sum == Program::none))
        chain.activation = chain.end = next;
    }
    return chain;
  }

  static bool stands_alone(Chain const& chain) {
    return chain.sum == Program::none && chain.activation == Program::none;
  }

  std::optional<PreparedStep> at_end_of_a_chain(std::size_t node) const {
    for (auto at = node;;) {
      if (program_.does(at, "conv")) {
        auto const chain = chain_from(at);
        if (chain.end != node) return std::nullopt;
        return fused(chain);
      }
      auto const before = chain_before(at);
      if (before == Program::none) return std::nullopt;
      at = before;
    }
  }

  bool inside_a_chain(std::size_t node) const {
    for (auto at = node;;) {
      if (program_.does(at, "conv")) return node < chain_from(at).end;
      auto const before = chain_before(at);
      if (before == Program::none) return false;
      at = before;
    }
  }

  // The link before `node` in a chain that it may belong to.
  std::size_t chain_before(std::size_t node) const {
    auto const& n = program_.graph.nodes[node];
    auto const links = n.op == "batch_norm" || n.op == "add" || prepared_rider(n.op) != "none";
    if (!links) return Program::none;
    if (n.op != "add") return program_.readers[n.from[0]] == 1 ? n.from[0] : Program::none;
    auto const later = std::max(n.from[0], n.from[1]);
    return program_.readers[later] == 1 ? later : Program::none;
  }

  PreparedStep fused(Chain const& chain) const {
    auto const& node = program_.graph.nodes[chain.conv];
    auto const rank = program_.in_shapes[chain.conv][0].size.size();
    PreparedConv conv{.node = chain.conv, .how = Convolution::of(node, rank)};
    auto const folded = fold(chain, conv);
    PreparedStep step{.node = chain.end, .reads = {node.from[0]}};
    if (chain.sum != Program::none) {
      conv.sum =
          program_.added_to(chain.norm != Program::none ? chain.norm : chain.conv, chain.sum);
      step.reads.push_back(conv.sum);
    }
    if (chain.activation != Program::none) conv.activation = program_.ops[chain.activation];
    if (stands_alone(chain) && winograd_of(node, program_.in_shapes[chain.conv][0], how_)) {
      conv.winograd = std::make_shared<PreparedWinograd>();
      conv.winograd->weight = folded.weight;
      conv.winograd->bias = folded.bias;
    }
    auto const few = few_inputs_of(node, program_.in_shapes[chain.conv][0], how_);
    if (few && stands_alone(chain))
      conv.few_inputs = PreparedFewInputs{*few, folded.weight, folded.bias};
    conv.packed = !conv.few_inputs && prepared_packs(how_.precision) && rank >= 2;
    if (conv.packed) conv.weight = prepared_packed(conv);
    step.conv = std::move(conv);
    return step;
  }

  // y = (conv(x) - mean) / sqrt(variance + epsilon) * gamma + beta is a convolution with other
  // weights, which are also handed out in float32.
  struct Folded {
    at::Tensor weight, bias;
  };
  Folded fold(Chain const& chain, PreparedConv& conv) const {
    auto const& mine = weights_[chain.conv];
    auto weight = mine[0].detach().to(at::kDouble);
    auto bias = mine.size() > 1 ? mine[1].detach().to(at::kDouble)
                                : at::zeros({weight.size(0)}, weight.options());
    if (chain.norm != Program::none) {
      auto const& norm = weights_[chain.norm];
      auto const epsilon = real_option(program_.graph.nodes[chain.norm], "epsilon");
      auto const scale =
          norm[0].detach().to(at::kDouble).div(norm[3].to(at::kDouble).add(epsilon).sqrt());
      std::vector<std::int64_t> wide(static_cast<std::size_t>(weight.dim()), 1);
      wide[0] = -1;
      weight = weight.mul(scale.reshape(wide));
      bias = bias.sub(norm[2].to(at::kDouble)).mul(scale).add(norm[1].detach().to(at::kDouble));
    }
    conv.weight =
        weight.to(type_of(how_.precision)).contiguous(format_of(how_.layout, weight.dim()));
    conv.bias = bias.to(type_of(how_.precision));
    if (chain.norm == Program::none) return {mine[0].detach(), bias.to(at::kFloat)};
    return {weight.to(at::kFloat), bias.to(at::kFloat)};
  }

  PreparedStep together(std::size_t at) const {
    auto const& chain = program_.together[at];
    PreparedStep step{.node = at, .reads = program_.graph.nodes[chain.nodes[0]].from};
    if (chain.other != Program::none) step.reads.push_back(chain.other);
    for (auto const& weight : weights_[chain.nodes[0]]) step.weights.push_back(weight.detach());
    step.together = &chain;
    step.slope = slope_of(program_, weights_, chain);
    if (step.slope.learnt.defined()) step.slope.learnt = step.slope.learnt.detach();
    return step;
  }

  PreparedStep plain(std::size_t at) const {
    auto const& op = *program_.ops[at];
    PreparedStep step{.node = at, .reads = program_.graph.nodes[at].from};
    step.few_transposed =
        FusedFewTransposed::of(program_.graph.nodes[at], program_.in_shapes[at][0], how_);
    auto const lower = op.lowers && !step.few_transposed;
    for (auto const& weight : weights_[at])
      step.weights.push_back(lower ? weight.detach().to(type_of(how_.precision))
                                   : weight.detach());
    step.overwrite = program_.may_overwrite(at, {});
    return step;
  }

  Program const& program_;
  Weights const& weights_;
  Execution how_;
};

}  // namespace prepared_parts

using namespace prepared_parts;

struct Prepared::Steps {
  Program const& program;
  Execution how;
  std::vector<PreparedMark> marks;
  std::vector<PreparedStep> steps;
  std::vector<std::size_t> readers;  // by node: steps that read it

  at::Tensor run(PreparedStep const& step, std::vector<at::Tensor> const& made) const;
  at::Tensor together(PreparedStep const& step, std::vector<at::Tensor> const& made) const;
};

at::Tensor Prepared::Steps::together(PreparedStep const& step,
                                     std::vector<at::Tensor> const& made) const {
  auto const& nodes = step.together->nodes;
  auto x = made[step.reads[0]];
  auto const other = step.reads.size() > 1 ? made[step.reads[1]] : at::Tensor{};
  if (lies_in_rows(x))
    return norm_and_more(
        chain_of(program.graph.nodes[nodes[0]], x.size(1), step.weights, other, step.slope), x);
  // One after the other, each into the memory of what the one before made.
  for (auto const node : nodes) {
    auto const in = program.does(node, "add") ? std::vector{x, other} : std::vector{x};
    std::vector<at::Tensor> weights;
    if (node == nodes[0]) weights = step.weights;
    if (program.does(node, "prelu")) weights = {step.slope.learnt};
    auto const& op = *program.ops[node];
    x = op.run({.node = program.graph.nodes[node],
                .in = in,
                .weights = weights,
                .shapes = program.in_shapes[node],
                .overwrite = op.in_place && node != nodes[0]});
  }
  return x;
}

at::Tensor Prepared::Steps::run(PreparedStep const& step,
                                std::vector<at::Tensor> const& made) const {
  if (step.together != nullptr) return together(step, made);
  auto const& x = made[step.reads[0]];
  if (auto const& few = step.few_transposed)
    return few->forward(step.weights[0],
                        step.weights.size() > 1 ? step.weights[1] : at::Tensor{}, x);
  if (!step.conv) {
    std::vector<at::Tensor> in;
    for (auto const node : step.reads) in.push_back(made[node]);
    return program.ops[step.node]->run({.node = program.graph.nodes[step.node],
                                        .in = in,
                                        .weights = step.weights,
                                        .shapes = program.in_shapes[step.node],
                                        .overwrite = step.overwrite});
  }
  auto const& c = *step.conv;
  if (auto const& few = c.few_inputs)
    return few_inputs_convolved(few->kernel, few->weight, few->bias, x);
  if (c.winograd) {
    Shape const in{x.size(1), x.sizes().slice(2).vec()};
    if (auto const kernel = winograd_for(program.graph.nodes[c.node], in, {}, how))
      return winograd_convolved(*kernel, winograd_maps(x.size(0), in.size),
                                c.winograd->of(*kernel), c.winograd->bias, x);
  }
  if (!c.packed) return convolve(x, c.weight, c.bias, c.how);
  return c.sum == Program::none ? prepared_convolve(c, x)
                                : prepared_convolve_and_add(c, x, made[c.sum]);
}

std::int64_t prepared_bytes(Program const& program,
                            Execution how,
                            std::vector<std::int64_t> const& size) {
  auto const shapes = shapes_of(program.graph, size);
  std::int64_t weights = 0, room = 0;
  for (auto const at : PreparedWriter{program, {}, how}.alone()) {
    auto const& node = program.graph.nodes[at];
    auto const kernel = winograd_for(node, shapes[node.from[0]], {}, how);
    if (!kernel) continue;
    weights += kernel->weight_values() * std::int64_t{sizeof(float)};
    room = std::max(room, kernel->room_bytes(winograd_maps(1, shapes[node.from[0]].size)));
  }
  return weights + room * at::get_num_threads();
}

Prepared::Prepared(Program const& program, Weights const& weights, Execution how) {
  c10::AutoGradMode const no_tape{false};
  steps_ = std::make_unique<Steps>(
      Steps{.program = program,
            .how = how,
            .marks = prepared_marks(weights),
            .steps = PreparedWriter{program, weights, how}.written(),
            .readers = std::vector<std::size_t>(program.graph.nodes.size())});
  for (auto const& step : steps_->steps) {
    for (auto const node : step.reads) ++steps_->readers[node];
  }
}

Prepared::~Prepared() = default;

bool Prepared::holds(Weights const& weights, Execution how) const {
  return steps_->how == how && steps_->marks == prepared_marks(weights);
}

bool Prepared::makes(std::size_t node) const {
  return std::ranges::any_of(steps_->steps, [&](auto const& s) { return s.node == node; });
}

at::Tensor Prepared::operator()(at::Tensor const& input) const {
  return until(steps_->readers.size() - 1, input).to(at::kFloat);
}

at::Tensor Prepared::until(std::size_t node, at::Tensor const& input) const {
  c10::AutoGradMode const no_tape{false};
  auto const type = type_of(steps_->how.precision);
  std::vector<at::Tensor> made(steps_->readers.size());
  auto unread = steps_->readers;
  made[0] = input.to(input.options().dtype(type), false, false,
                     format_of(steps_->how.layout, input.dim()));
  for (auto const& step : steps_->steps) {
    made[step.node] = steps_->run(step, made);
    if (step.node == node) break;
    for (auto const read : step.reads) {
      if (--unread[read] == 0) made[read].reset();
    }
  }
  return made[node];
}

}  // namespace fovea
