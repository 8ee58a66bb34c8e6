#include "base/core/error.hpp"
#include "base/core/words.hpp"
#include "learn/nn/fused_steps.hpp"
#include "learn/nn/together_parts.hpp"

#include <ATen/core/ivalue.h>
#include <ATen/ops/add.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/zeros_like.h>
#include <ATen/record_function.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/engine.h>
#include <torch/csrc/autograd/functions/basic_ops.h>

#include <algorithm>
#include <functional>

namespace fovea {
namespace {

using torch::autograd::create_gradient_edge;
using torch::autograd::impl::gradient_edge;

// What a LibTorch node kept for its gradient: ends of its tape, not the values there, which
// stay only if the tape needs them.
struct FusedTape {
  torch::autograd::Edge root;
  at::ScalarType type = at::kFloat;         // of what it gives
  std::vector<torch::autograd::Edge> ends;  // of what it reads, then of its weights
  std::vector<std::size_t> reads;
  std::vector<std::pair<std::size_t, std::size_t>> weights;  // node and number
};

// One training step: forward, then backward, once.
class FusedPass : public torch::CustomClassHolder {
 public:
  FusedPass(std::shared_ptr<Program const> program,
            Weights const& weights,
            Execution how,
            at::Tensor const& input,
            std::span<std::size_t const> wanted)
      : program_{std::move(program)},
        how_{how},
        wanted_{wanted.begin(), wanted.end()},
        input_{input.detach()},
        input_version_{input._version()},
        input_gradient_{input.requires_grad()} {
    for (auto const& mine : weights) {
      auto& here = weights_.emplace_back();
      auto& versions = versions_.emplace_back();
      for (auto const& weight : mine) {
        here.push_back(weight.detach());
        versions.push_back(weight._version());
      }
    }
    FusedSteps all{*program_, how, input.sizes(), wanted};
    wanted_.push_back(nodes().size() - 1);
    runs_ = std::move(all.runs);
    shapes_ = std::move(all.shapes);
    steps_ = std::move(all.steps);
    tapes_.resize(steps_.size());
    moments_.resize(nodes().size());
    decide();
  }

  // The learnt tensors that run, in the order in which backward() gives theirs.
  std::vector<std::pair<std::size_t, std::size_t>> learnt() const {
    std::vector<std::pair<std::size_t, std::size_t>> all;
    for (std::size_t node = 0; node < weights_.size(); ++node) {
      for (std::size_t i = 0; runs_[node] && i < weights_[node].size(); ++i)
        if (program_->rows[node][i].learnt) all.emplace_back(node, i);
    }
    return all;
  }

  variable_list forward(at::Tensor const& input) {
    made_.resize(nodes().size());
    auto unread = forward_readers_;
    made_[0] = placed(input.detach());
    release(0, unread[0]);
    variable_list out(wanted_.size());
    for (std::size_t at = 0; at < steps_.size(); ++at) {
      auto const& step = steps_[at];
      made_[step.node()] = run(step, at);
      for (std::size_t i = 0; i < wanted_.size(); ++i)
        if (wanted_[i] == step.node()) out[i] = handed_out(step.node());
      release(step.node(), unread[step.node()]);
      for (auto const read : step.reads) release(read, --unread[read]);
    }
    return out;
  }

  // Of the input, then of what learnt() says.
  variable_list backward(variable_list const& of_outputs) {
    demand_untouched();
    gradients_.resize(nodes().size());
    by_weight_.resize(nodes().size());
    for (std::size_t node = 0; node < nodes().size(); ++node)
      by_weight_[node].resize(weights_[node].size());
    for (std::size_t i = 0; i < wanted_.size(); ++i)
      if (of_outputs[i].defined()) add(wanted_[i], of_outputs[i].to(type_of(how_.precision)));
    unread_ = backward_readers_;
    for (auto at = steps_.size(); at-- > 0;) {
      auto const& step = steps_[at];
      auto gradient = std::exchange(gradients_[step.node()], {});
      if (gradient.defined())
        back(step, at, std::move(gradient));
      else
        let_go(step);
      tapes_[at] = {};
    }
    variable_list out(1);
    if (gradients_[0].defined()) out[0] = std::exchange(gradients_[0], {}).to(at::kFloat);
    for (auto const& [node, i] : learnt()) {
      // Handed over, not shared: LibTorch then need not copy it.
      out.push_back(std::exchange(by_weight_[node][i], {}));
    }
    gradients_.clear();
    made_.clear();
    moments_.clear();
    return out;
  }

 private:
  // The caller may write into it; what the backward pass needs must not change with it.
  at::Tensor handed_out(std::size_t node) const {
    auto const out = made_[node].detach().to(at::kFloat);
    return backward_readers_[node] > 0 && out.is_alias_of(made_[node]) ? out.clone() : out;
  }

  void demand_untouched() {
    auto const refuse = [](std::string const& what, std::string const& hint) {
      throw Error{Fault::bug, text("a training step's gradients were asked for ", what), hint};
    };
    if (std::exchange(spent_, true)) refuse("twice", "sum the losses, then ask once");
    auto touched = input_._version() != input_version_;
    for (auto const& [node, i] : learnt())
      touched = touched || weights_[node][i]._version() != versions_[node][i];
    if (touched)
      refuse("after its weights or images were changed", "ask before the weights are updated");
  }

  std::vector<Node> const& nodes() const { return program_->graph.nodes; }

  // As our kernels read it.
  at::Tensor placed(at::Tensor const& x) const {
    // Asked for at once, a part of the channels would be handed out as it lies among the
    // others.
    return x.to(type_of(how_.precision)).contiguous(format_of(how_.layout, x.dim()));
  }

  // --- what is kept from forward to backward ---

  // The nodes whose values a step needs for its gradient.
  std::vector<std::size_t> kept_by(FusedStep const& step) const {
    auto const reads = step.kind == FusedStep::Kind::chain ||
                       step.kind == FusedStep::Kind::convolution ||
                       (step.kind == FusedStep::Kind::torch && again_[step.node()]);
    return reads ? step.reads : std::vector<std::size_t>{};
  }

  void decide() {
    auto const count = nodes().size();
    forward_readers_.resize(count);
    backward_readers_.resize(count);
    maker_.resize(count, Program::none);
    again_.resize(count);
    std::vector<bool> taped(count);
    // The last first: whether a step has a tape of its own depends on who reads it.
    for (auto at = steps_.size(); at-- > 0;) {
      auto const& step = steps_[at];
      maker_[step.node()] = at;
      auto const holds = holds_what_it_reads(step, taped[step.node()]);
      for (auto const read : step.reads) {
        ++forward_readers_[read];
        if (holds) taped[read] = true;
      }
    }
    // What a tape holds is kept anyway.
    std::vector<int> makings(count);  // in a row, for the value of a node
    for (auto const& step : steps_) {
      int most = 0;
      for (auto const read : step.reads) most = std::max(most, makings[read]);
      auto const node = step.node();
      again_[node] = !taped[node] && most < most_makings && may_be_made_again(step);
      if (again_[node]) makings[node] = most + 1;
    }
    for (auto const& step : steps_)
      for (auto const read : kept_by(step)) needs(read);
  }

  bool holds_what_it_reads(FusedStep const& step, bool taped) const {
    auto const& op = *program_->ops[step.node()];
    return step.kind == FusedStep::Kind::torch && !op.needs_sizes &&
           (taped || !made_by_value(step));
  }
  bool made_by_value(FusedStep const& step) const {
    return step.kind == FusedStep::Kind::torch && step.nodes.size() == 1 &&
           program_->ops[step.node()]->cheap;
  }

  // Nothing is made from the foot of a ladder each time: of what is joined with what is joined,
  // and of sums upon sums, every other one is kept; of what else is made of what is made, one
  // in so many.
  static constexpr int most_makings = 4;
  bool may_be_made_again(FusedStep const& step) const {
    auto const again = [&](std::size_t read, FusedStep::Kind kind) {
      return again_[read] && steps_[maker_[read]].kind == kind;
    };
    if (step.kind == FusedStep::Kind::concat)
      return std::ranges::none_of(
          step.reads, [&](std::size_t read) { return again(read, FusedStep::Kind::concat); });
    if (step.kind == FusedStep::Kind::chain)
      return step.reads.size() == 1 || !again(step.reads[1], FusedStep::Kind::chain);
    return made_by_value(step);
  }

  // A value that is made again needs those that it is made of.
  void needs(std::size_t node) {
    ++backward_readers_[node];
    if (!again_[node]) return;
    for (auto const read : steps_[maker_[node]].reads) needs(read);
  }

  // A step's gradient has been taken.
  void let_go(FusedStep const& step) {
    for (auto const read : kept_by(step)) done(read);
  }
  void done(std::size_t node) {
    if (--unread_[node] == 0) made_[node].reset();
    if (!again_[node]) return;
    for (auto const read : steps_[maker_[node]].reads) done(read);
  }

  void release(std::size_t node, std::size_t unread) {
    if (unread == 0 && (backward_readers_[node] == 0 || again_[node])) made_[node].reset();
  }

  // A value in the backward pass; made again if it was let go.
  at::Tensor value(std::size_t node) {
    if (made_[node].defined()) return made_[node];
    auto const& step = steps_[maker_[node]];
    if (step.kind == FusedStep::Kind::concat) return concat(step);
    if (step.kind == FusedStep::Kind::torch) return untaped(step);
    RECORD_USER_SCOPE("norm, again");
    return chain(step).forward(placed(value(step.reads[0])), moments_[step.node()]);
  }

  // --- forward ---

  at::Tensor run(FusedStep const& step, std::size_t at) {
    switch (step.kind) {
      case FusedStep::Kind::convolution: {
        std::vector<at::Tensor> x;
        for (auto const read : step.reads) x.push_back(placed(made_[read]));
        return step.convolution->forward(weights_[step.node()], x);
      }
      case FusedStep::Kind::chain: {
        RECORD_USER_SCOPE("norm, forward");
        auto const norm = chain(step);
        auto const x = placed(made_[step.reads[0]]);
        auto const moments = norm.moments(x);
        auto const first = step.nodes.front();
        if (norm.batch)
          follow(moments, real_option(nodes()[first], "momentum"), weights_[first][2],
                 weights_[first][3]);
        moments_[step.node()] = moments;
        return norm.forward(x, moments);
      }
      case FusedStep::Kind::concat:
        return concat(step);
      case FusedStep::Kind::sum: {
        RECORD_USER_SCOPE("sum");
        return at::add(made_[step.reads[0]], made_[step.reads[1]]);
      }
      case FusedStep::Kind::torch:
        return again_[step.node()] ? untaped(step) : taped(step, tapes_[at]);
    }
    return {};
  }

  NormChain chain(FusedStep const& step) {
    auto const first = step.nodes.front();
    auto const other = step.reads.size() > 1 ? placed(value(step.reads[1])) : at::Tensor{};
    auto const slope = slope_of(*program_, weights_, program_->together[step.node()]);
    return chain_of(nodes()[first], shapes_[first].channels, weights_[first], other, slope);
  }

  at::Tensor concat(FusedStep const& step) {
    RECORD_USER_SCOPE("joined channels");
    std::vector<at::Tensor> parts;
    for (auto const read : step.reads) parts.push_back(value(read));
    return at::cat(parts, 1).contiguous(format_of(how_.layout, parts[0].dim()));
  }

  at::Tensor untaped(FusedStep const& step) {
    RECORD_USER_SCOPE("by LibTorch");
    std::vector<at::Tensor> in;
    for (auto const from : step.reads) in.push_back(value(from));
    return program_->ops[step.node()]->run({.node = nodes()[step.node()],
                                            .in = in,
                                            .weights = weights_[step.node()],
                                            .shapes = program_->in_shapes[step.node()],
                                            .training = true});
  }

  at::Tensor taped(FusedStep const& step, FusedTape& tape) {
    RECORD_USER_SCOPE("by LibTorch");
    c10::AutoGradMode const on{true};
    std::vector<at::Tensor> made(nodes().size());
    for (auto const read : step.reads) {
      if (made[read].defined()) continue;
      made[read] = value(read).detach();
      if (read == 0 && !input_gradient_) continue;
      create_gradient_edge(made[read], c10::make_intrusive<torch::autograd::Identity>());
      tape.ends.push_back(gradient_edge(made[read]));
      tape.reads.push_back(read);
    }
    if (auto const pooled = pools(step, made[step.reads[0]])) {
      made[step.node()] = *pooled;
    } else {
      for (auto const at : step.nodes) made[at] = taped(at, made, tape);
    }
    auto const& out = made[step.node()];
    tape.type = out.scalar_type();
    if (out.requires_grad()) tape.root = gradient_edge(out);
    return out.detach();
  }

  at::Tensor taped(std::size_t at, std::vector<at::Tensor> const& made, FusedTape& tape) {
    std::vector<at::Tensor> in, mine;
    for (auto const from : nodes()[at].from) in.push_back(made[from]);
    for (std::size_t i = 0; i < weights_[at].size(); ++i) {
      auto weight = weights_[at][i];
      if (program_->rows[at][i].learnt) {
        weight = weight.detach();
        weight.requires_grad_();
        tape.ends.push_back(gradient_edge(weight));
        tape.weights.emplace_back(at, i);
      }
      if (program_->ops[at]->lowers) weight = weight.to(type_of(how_.precision));
      mine.push_back(weight);
    }
    auto const needed = backward_readers_[nodes()[at].from[0]] > 0;
    return program_->ops[at]->run(
        {.node = nodes()[at],
         .in = in,
         .weights = mine,
         .shapes = program_->in_shapes[at],
         .training = true,
         .overwrite = !needed && program_->may_overwrite(at, wanted_)});
  }

  std::optional<at::Tensor> pools(FusedStep const& step, at::Tensor const& x) const {
    auto const& last = nodes()[step.node()];
    if (step.nodes.size() != 2 || last.op != "max_pool" || !lies_in_rows(x))
      return std::nullopt;
    return relu_and_max_pool(last, x);
  }

  // --- backward ---

  void add(std::size_t node, at::Tensor const& gradient) {
    if (node == 0 && !input_gradient_) return;
    auto& sum = gradients_[node];
    sum = sum.defined() ? at::add(sum, gradient) : gradient;
  }

  // What it read is let go as soon as may be: its gradient takes as much memory.
  void back_convolution(FusedStep const& step, at::Tensor gradient) {
    auto const& weights = weights_[step.node()];
    auto const& convolution = *step.convolution;
    gradient = placed(gradient);
    auto const of_input = input_gradient_ || std::ranges::any_of(step.reads, std::identity{});
    auto const later = of_input && convolution.forgets();
    auto const has_bias = weights.size() > 1;
    std::vector<at::Tensor> x;
    std::vector<std::int64_t> channels;
    for (auto const read : step.reads) {
      x.push_back(placed(value(read)));
      channels.push_back(shapes_[read].channels);
    }
    auto by =
        convolution.backward(weights, x, gradient,
                             {.input = of_input && !later, .bias = has_bias && !step.levelled});
    x.clear();
    let_go(step);
    if (later) by.x = convolution.input_gradients(weights, gradient, channels);
    gradient.reset();
    for (std::size_t i = 0; i < by.x.size(); ++i) add(step.reads[i], by.x[i]);
    by_weight_[step.node()][0] = by.weight;
    if (has_bias)
      by_weight_[step.node()][1] = step.levelled ? at::zeros_like(weights[1]) : by.bias;
  }

  void back(FusedStep const& step, std::size_t at, at::Tensor gradient) {
    switch (step.kind) {
      case FusedStep::Kind::convolution:
        return back_convolution(step, std::move(gradient));
      case FusedStep::Kind::chain: {
        RECORD_USER_SCOPE("norm, backward");
        auto const first = step.nodes.front(), last = step.node();
        auto const norm = chain(step);
        gradient = placed(gradient);
        auto const alone = gradient.use_count() == 1 && gradient.storage().use_count() == 1;
        auto const by =
            norm.backward(gradient, placed(value(step.reads[0])), moments_[last], alone);
        add(step.reads[0], by.x);
        if (by.other.defined()) add(step.reads[1], by.other);
        if (norm.weight.defined()) by_weight_[first][0] = by.weight;
        if (norm.bias.defined()) by_weight_[first][1] = by.bias;
        if (norm.slope.learnt.defined()) by_weight_[last][0] = by.slope;
        break;
      }
      case FusedStep::Kind::concat: {
        RECORD_USER_SCOPE("joined channels");
        std::int64_t begin = 0;
        for (auto const read : step.reads) {
          auto const channels = shapes_[read].channels;
          // A copy: a part would keep the whole alive.
          add(read, placed(gradient.narrow(1, begin, channels)));
          begin += channels;
        }
        break;
      }
      case FusedStep::Kind::sum:
        for (auto const read : step.reads) add(read, gradient);
        break;
      case FusedStep::Kind::torch: {
        RECORD_USER_SCOPE("by LibTorch");
        auto& tape = tapes_[at];
        if (again_[step.node()]) taped(step, tape);
        if (!tape.root.is_valid()) break;
        auto const by = torch::autograd::Engine::get_default_engine().execute(
            {tape.root}, {gradient.to(tape.type)}, false, false, false, tape.ends);
        for (std::size_t i = 0; i < by.size(); ++i) {
          if (!by[i].defined()) continue;
          if (i < tape.reads.size()) {
            add(tape.reads[i], by[i]);
          } else {
            auto const [node, number] = tape.weights[i - tape.reads.size()];
            by_weight_[node][number] = by[i];
          }
        }
        break;
      }
    }
    let_go(step);
  }

  std::shared_ptr<Program const> program_;
  Weights weights_;  // detached
  Execution how_;
  std::vector<std::size_t> wanted_;  // the output last
  at::Tensor input_;
  std::int64_t input_version_;
  bool input_gradient_;
  std::vector<std::vector<std::int64_t>> versions_;  // of weights, by node and number
  bool spent_ = false;
  std::vector<bool> runs_;
  std::vector<Shape> shapes_;
  std::vector<FusedStep> steps_;
  std::vector<std::size_t> maker_;                               // the step, by node
  std::vector<bool> again_;                                      // made again, by node
  std::vector<std::size_t> forward_readers_, backward_readers_;  // by node
  std::vector<std::size_t> unread_;                 // backward readers that are left
  std::vector<at::Tensor> made_;                    // by node
  std::vector<NormChain::Moments> moments_;         // by node
  std::vector<FusedTape> tapes_;                    // by step
  std::vector<at::Tensor> gradients_;               // by node
  std::vector<std::vector<at::Tensor>> by_weight_;  // by node and number
};

struct FusedCall : torch::autograd::Function<FusedCall> {
  static variable_list forward(AutogradContext* context,
                               at::TensorList inputs,
                               c10::intrusive_ptr<FusedPass> const& pass) {
    context->saved_data["pass"] = c10::IValue::make_capsule(pass);
    context->set_materialize_grads(false);
    return pass->forward(inputs[0]);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    auto const pass =
        c10::static_intrusive_pointer_cast<FusedPass>(context->saved_data["pass"].toCapsule());
    c10::AutoGradMode const no_tape{false};
    auto all = pass->backward(gradients);
    all.emplace_back();  // the pass itself has none
    return all;
  }
};

}  // namespace

bool fits_fused(Program const& program,
                Execution how,
                at::Tensor const& input,
                std::span<std::size_t const> wanted) {
  auto const ends = [&](std::size_t node) { return node > 0 && !program.within[node]; };
  return input.device().is_cpu() && how.layout == Layout::channels_last && input.dim() > 3 &&
         program.graph.nodes.size() > 1 && std::ranges::all_of(wanted, ends);
}

std::vector<at::Tensor> run_fused(std::shared_ptr<Program const> program,
                                  Weights const& weights,
                                  Execution how,
                                  at::Tensor const& input,
                                  std::span<std::size_t const> wanted) {
  auto const pass = c10::make_intrusive<FusedPass>(program, weights, how, input, wanted);
  std::vector<at::Tensor> inputs{input};
  for (auto const& [node, i] : pass->learnt()) inputs.push_back(weights[node][i]);
  return FusedCall::apply(at::TensorList{inputs}, pass);
}

}  // namespace fovea
