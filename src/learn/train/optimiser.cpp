#include "learn/train/optimiser.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/sign.h>
#include <ATen/ops/zeros_like.h>
#include <ATen/record_function.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>

namespace fovea {
namespace {

void optimiser_average(StepPiece const& piece, StepNumbers const& n) {
  if (piece.average == nullptr) return;
  auto const share = static_cast<float>(n.average_share);
  for (std::int64_t i = 0; i < piece.count; ++i)
    piece.average[i] += share * (piece.weight[i] - piece.average[i]);
}

// Clipping, the absolute-value penalty and the quadratic one, all as parts of the gradient.
void optimiser_shape(StepPiece const& piece, StepNumbers const& n, double decay) {
  auto const scale = static_cast<float>(n.scale);
  auto const l2 = static_cast<float>(decay);
  auto const l1 = static_cast<float>(n.l1);
  auto* const g = piece.gradient;
  auto const* const w = piece.weight;
  if (n.scale != 1)
    for (std::int64_t i = 0; i < piece.count; ++i) g[i] *= scale;
  if (n.l1 != 0)
    for (std::int64_t i = 0; i < piece.count; ++i)
      g[i] += l1 * (static_cast<float>(w[i] > 0) - static_cast<float>(w[i] < 0));
  if (decay != 0)
    for (std::int64_t i = 0; i < piece.count; ++i) g[i] += l2 * w[i];
}

void optimiser_sgd(StepPiece const& piece, StepNumbers const& n) {
  optimiser_shape(piece, n, n.decay);
  auto const rate = static_cast<float>(n.rate);
  auto const momentum = static_cast<float>(n.momentum);
  auto* __restrict const w = piece.weight;
  auto* __restrict const m = piece.moment1;
  auto const* __restrict const g = piece.gradient;
  for (std::int64_t i = 0; i < piece.count; ++i) {
    m[i] = momentum * m[i] + g[i];
    w[i] -= rate * (g[i] + momentum * m[i]);
  }
  optimiser_average(piece, n);
}

void optimiser_adam_step(StepPiece const& piece, StepNumbers const& n, float keep) {
  auto const b1 = static_cast<float>(1 - n.beta1);
  auto const b2 = static_cast<float>(n.beta2);
  auto const c2 = static_cast<float>(1 - n.beta2);
  auto const epsilon = static_cast<float>(n.epsilon);
  auto const length = static_cast<float>(n.rate / n.correction1);
  auto const root = static_cast<float>(1 / std::sqrt(n.correction2));
  auto* __restrict const w = piece.weight;
  auto* __restrict const m = piece.moment1;
  auto* __restrict const v = piece.moment2;
  auto const* __restrict const g = piece.gradient;
  for (std::int64_t i = 0; i < piece.count; ++i) {
    m[i] += b1 * (g[i] - m[i]);
    v[i] = b2 * v[i] + c2 * g[i] * g[i];
    w[i] = keep * w[i] - length * m[i] / (std::sqrt(v[i]) * root + epsilon);
  }
  optimiser_average(piece, n);
}

void optimiser_adam(StepPiece const& piece, StepNumbers const& n) {
  optimiser_shape(piece, n, n.decay);
  optimiser_adam_step(piece, n, 1);
}

void optimiser_adamw(StepPiece const& piece, StepNumbers const& n) {
  optimiser_shape(piece, n, 0);
  optimiser_adam_step(piece, n, static_cast<float>(1 - n.rate * n.decay));
}

at::Tensor optimiser_shape_any(StepTensors const& t, StepNumbers const& n, double decay) {
  auto g = n.scale == 1 ? t.gradient : t.gradient.mul(n.scale);
  if (n.l1 != 0) g = g.add(at::sign(t.weight), n.l1);
  if (decay != 0) g = g.add(t.weight, decay);
  return g;
}

void optimiser_average_any(StepTensors const& t, StepNumbers const& n) {
  if (t.average.defined()) t.average.lerp_(t.weight, n.average_share);
}

void optimiser_sgd_any(StepTensors const& t, StepNumbers const& n) {
  auto const g = optimiser_shape_any(t, n, n.decay);
  t.moment1.mul_(n.momentum).add_(g);
  t.weight.add_(g.add(t.moment1, n.momentum), -n.rate);
  optimiser_average_any(t, n);
}

void optimiser_adam_step_any(StepTensors const& t, StepNumbers const& n, at::Tensor const& g) {
  t.moment1.lerp_(g, 1 - n.beta1);
  t.moment2.mul_(n.beta2).addcmul_(g, g, 1 - n.beta2);
  auto const below = t.moment2.sqrt().div_(std::sqrt(n.correction2)).add_(n.epsilon);
  t.weight.addcdiv_(t.moment1, below, -n.rate / n.correction1);
  optimiser_average_any(t, n);
}

void optimiser_adam_any(StepTensors const& t, StepNumbers const& n) {
  optimiser_adam_step_any(t, n, optimiser_shape_any(t, n, n.decay));
}

void optimiser_adamw_any(StepTensors const& t, StepNumbers const& n) {
  auto const g = optimiser_shape_any(t, n, 0);
  t.weight.mul_(1 - n.rate * n.decay);
  optimiser_adam_step_any(t, n, g);
}

constexpr OptimiserRow optimiser_rows[] = {
    {"sgd", "gradient descent with Nesterov's momentum (Sutskever 2013)", 1, optimiser_sgd,
     optimiser_sgd_any},
    {"adam", "Adam (Kingma and Ba 2015)", 2, optimiser_adam, optimiser_adam_any},
    {"adamw", "Adam with decoupled weight decay (Loshchilov and Hutter 2019)", 2,
     optimiser_adamw, optimiser_adamw_any},
};

// Small enough for the first-level caches, so that the passes over one piece cost one trip to
// memory; and the pieces are the same for any number of threads, so sums over them are too.
constexpr std::int64_t optimiser_piece = 8192;

struct OptimiserCut {
  std::size_t weight = 0;
  std::int64_t begin = 0, count = 0;
};

std::vector<OptimiserCut> optimiser_cuts(std::vector<at::Tensor> const& values,
                                         std::vector<std::size_t> const& moved) {
  std::vector<OptimiserCut> cuts;
  for (auto const w : moved) {
    auto const all = values[w].numel();
    for (std::int64_t begin = 0; begin < all; begin += optimiser_piece)
      cuts.push_back({w, begin, std::min(optimiser_piece, all - begin)});
  }
  return cuts;
}

template <class Work>
void optimiser_each(std::vector<OptimiserCut> const& cuts, Work const& work) {
  at::parallel_for(0, static_cast<std::int64_t>(cuts.size()), 4,
                   [&](std::int64_t begin, std::int64_t end) {
                     for (auto i = begin; i < end; ++i) work(static_cast<std::size_t>(i));
                   });
}

void optimiser_check(Group const& group, double average) {
  auto const& o = group.optimiser;
  auto const refuse = [&](std::string_view what, double value, std::string_view range) {
    throw Error{Fault::usage, text("expected ", what, " ", range, ", got ", spelled(value)),
                text("change it for the group '", group.name, "'")};
  };
  if (!(o.learning_rate > 0 && o.learning_rate < 1e6))
    refuse("a learning rate", o.learning_rate, "above 0");
  if (!(o.weight_decay >= 0)) refuse("a weight decay", o.weight_decay, "of 0 or more");
  if (!(o.l1 >= 0)) refuse("an L1 penalty", o.l1, "of 0 or more");
  if (!(o.clip >= 0)) refuse("a gradient norm to clip at", o.clip, "of 0 or more");
  if (!(o.momentum >= 0 && o.momentum < 1)) refuse("a momentum", o.momentum, "in [0, 1)");
  if (!(o.beta1 >= 0 && o.beta1 < 1)) refuse("beta1", o.beta1, "in [0, 1)");
  if (!(o.beta2 >= 0 && o.beta2 < 1)) refuse("beta2", o.beta2, "in [0, 1)");
  if (!(o.epsilon > 0)) refuse("epsilon", o.epsilon, "above 0");
  if (!(o.warm_up >= 0 && o.warm_up <= 1)) refuse("a warm-up", o.warm_up, "in [0, 1]");
  if (!(average >= 0 && average < 1)) refuse("a decay of the average", average, "in [0, 1)");
}

void optimiser_check_weights(Group const& group) {
  std::set<std::string> seen;
  auto const refuse = [&](std::string const& name, std::string_view why) {
    throw Error{Fault::bug, text("'", name, "' of the group '", group.name, "' ", why),
                "correct groups() of the learner"};
  };
  for (auto const& [name, value, decays] : group.weights) {
    if (!seen.insert(name).second) refuse(name, "is named twice");
    if (!value.defined() || !value.is_floating_point()) refuse(name, "is not floating point");
    if (!value.requires_grad() || !value.is_leaf()) refuse(name, "does not ask for a gradient");
  }
  for (auto const& [name, value, decays] : group.buffers)
    if (!value.defined() || !seen.insert(name).second)
      refuse(name, "is named twice or is empty");
  if (group.weights.empty()) refuse("weights", "are none");
}

void optimiser_swap(at::Tensor const& one, at::Tensor const& other) {
  auto const kept = one.clone();
  one.copy_(other);
  other.copy_(kept);
}

}  // namespace

std::span<OptimiserRow const> optimisers() {
  return optimiser_rows;
}

OptimiserRow const& optimiser_named(std::string_view name) {
  auto const found = std::ranges::find(optimiser_rows, name, &OptimiserRow::name);
  if (found != std::end(optimiser_rows)) return *found;
  std::vector<std::string> known;
  for (auto const& row : optimiser_rows) known.emplace_back(row.name);
  throw Error{Fault::usage, text("no optimiser '", name, "'"), did_you_mean(name, known)};
}

GroupMover::GroupMover(Group group, double average)
    : group_(std::move(group)),
      row_(&optimiser_named(group_.optimiser.kind)),
      average_(average) {
  optimiser_check(group_, average);
  optimiser_check_weights(group_);
  at::NoGradGuard const no_tape;
  for (auto const& weight : group_.weights) {
    auto const value = weight.value.detach();  // shares the numbers, has no tape
    values_.push_back(weight.value);
    moment1_.push_back(at::zeros_like(value));
    if (row_->moments > 1) moment2_.push_back(at::zeros_like(value));
    if (average_ > 0) averages_.push_back(value.clone());
  }
  if (average_ > 0)
    for (auto const& buffer : group_.buffers) buffer_averages_.push_back(buffer.value.clone());
}

double GroupMover::average_share() const {
  if (average_ <= 0) return 0;
  // A young average forgets its start quickly.
  auto const t = static_cast<double>(updates_);
  return 1 - std::min(average_, (1 + t) / (10 + t));
}

void GroupMover::backward(at::Tensor const& loss) {
  if (loss.numel() != 1)
    throw Error{Fault::bug,
                text("the loss of '", group_.name, "' has ", loss.numel(), " values"),
                "reduce it to one"};
  if (auto const value = loss.item<double>(); !std::isfinite(value))
    throw Error{Fault::input,
                text("the loss of '", group_.name, "' became ", spelled(value), " after ",
                     updates_, " updates"),
                "lower learning_rate, set clip, or look for broken values in the data"};
  for (auto const& value : values_) value.mutable_grad().reset();
  loss.backward({}, std::nullopt, false, at::TensorList{values_});
}

StepNumbers GroupMover::numbers(std::size_t weight, double rate) const {
  auto const& o = group_.optimiser;
  auto const decays = group_.weights[weight].decays;
  auto const t = static_cast<double>(updates_);
  return {.rate = rate,
          .decay = decays ? o.weight_decay : 0,
          .l1 = decays ? o.l1 : 0,
          .momentum = o.momentum,
          .beta1 = o.beta1,
          .beta2 = o.beta2,
          .epsilon = o.epsilon,
          .correction1 = 1 - std::pow(o.beta1, t),
          .correction2 = 1 - std::pow(o.beta2, t),
          .scale = scale_,
          .average_share = average_share()};
}

double GroupMover::clip_scale(double l2_norm) const {
  if (!std::isfinite(l2_norm))
    throw Error{Fault::input,
                text("the gradient of '", group_.name, "' became infinite after ", updates_,
                     " updates"),
                "lower learning_rate, or look for broken values in the data"};
  return std::min(1.0, group_.optimiser.clip / (l2_norm + 1e-6));
}

void GroupMover::step_fused(std::vector<std::size_t> const& moved, double rate) {
  RECORD_USER_SCOPE("optimiser");
  auto const count = values_.size();
  std::vector<StepPiece> starts(count);
  std::vector<StepNumbers> numbers_of(count);
  std::vector<at::Tensor> held;
  for (auto const w : moved) {
    auto gradient = values_[w].grad();
    if (gradient.strides() != values_[w].strides())
      gradient = at::empty_like(values_[w]).copy_(gradient);
    held.push_back(gradient);
    starts[w] = {values_[w].data_ptr<float>(),
                 gradient.data_ptr<float>(),
                 moment1_[w].data_ptr<float>(),
                 moment2_.empty() ? nullptr : moment2_[w].data_ptr<float>(),
                 averages_.empty() ? nullptr : averages_[w].data_ptr<float>(),
                 0};
  }
  auto const cuts = optimiser_cuts(values_, moved);
  if (group_.optimiser.clip > 0) {
    std::vector<double> squares(cuts.size());
    optimiser_each(cuts, [&](std::size_t i) {
      auto const* const g = starts[cuts[i].weight].gradient + cuts[i].begin;
      double sum = 0;
      for (std::int64_t j = 0; j < cuts[i].count; ++j) sum += static_cast<double>(g[j]) * g[j];
      squares[i] = sum;
    });
    double all = 0;
    for (auto const part : squares) all += part;
    scale_ = clip_scale(std::sqrt(all));
  }
  for (auto const w : moved) numbers_of[w] = numbers(w, rate);
  optimiser_each(cuts, [&](std::size_t i) {
    auto const& [w, begin, length] = cuts[i];
    auto const& s = starts[w];
    row_->move({s.weight + begin, s.gradient + begin, s.moment1 + begin,
                s.moment2 == nullptr ? nullptr : s.moment2 + begin,
                s.average == nullptr ? nullptr : s.average + begin, length},
               numbers_of[w]);
  });
  // Autograd must notice that a tape which still reads these weights is out of date.
  for (auto const w : moved) values_[w].unsafeGetTensorImpl()->bump_version();
}

void GroupMover::step_any(std::vector<std::size_t> const& moved, double rate) {
  if (group_.optimiser.clip > 0) {
    double all = 0;
    for (auto const w : moved) {
      auto const norm = at::linalg_vector_norm(values_[w].grad()).item<double>();
      all += norm * norm;
    }
    scale_ = clip_scale(std::sqrt(all));
  }
  for (auto const w : moved)
    row_->move_any({values_[w], values_[w].grad(), moment1_[w],
                    moment2_.empty() ? at::Tensor{} : moment2_[w],
                    averages_.empty() ? at::Tensor{} : averages_[w]},
                   numbers(w, rate));
}

void GroupMover::update(at::Tensor const& loss, double rate) {
  backward(loss);
  at::NoGradGuard const no_tape;
  std::vector<std::size_t> moved;
  auto plain = true;
  for (std::size_t w = 0; w < values_.size(); ++w) {
    auto const& gradient = values_[w].grad();
    if (!gradient.defined()) continue;
    moved.push_back(w);
    plain = plain && values_[w].is_cpu() && values_[w].scalar_type() == at::kFloat &&
            gradient.scalar_type() == at::kFloat && gradient.layout() == at::kStrided &&
            values_[w].is_non_overlapping_and_dense() &&
            moment1_[w].strides() == values_[w].strides();
  }
  ++updates_;
  scale_ = 1;
  if (plain)
    step_fused(moved, rate);
  else
    step_any(moved, rate);
  for (auto const& value : values_) value.mutable_grad().reset();
}

void GroupMover::average_buffers() {
  if (average_ <= 0) return;
  at::NoGradGuard const no_tape;
  for (std::size_t b = 0; b < buffer_averages_.size(); ++b) {
    auto const& now = group_.buffers[b].value;
    if (now.is_floating_point())
      buffer_averages_[b].lerp_(now, average_share());
    else
      buffer_averages_[b].copy_(now);
  }
}

void GroupMover::swap_averages() {
  if (average_ <= 0) return;
  at::NoGradGuard const no_tape;
  for (std::size_t w = 0; w < values_.size(); ++w) optimiser_swap(values_[w], averages_[w]);
  for (std::size_t b = 0; b < buffer_averages_.size(); ++b)
    optimiser_swap(group_.buffers[b].value, buffer_averages_[b]);
}

std::vector<Kept> GroupMover::state() const {
  std::vector<Kept> all;
  auto const add = [&](std::string_view kind, std::vector<at::Tensor> const& values,
                       std::vector<Weight> const& names) {
    for (std::size_t i = 0; i < values.size(); ++i)
      all.push_back({text(kind, "/", group_.name, "/", names[i].name), values[i]});
  };
  add("moment1", moment1_, group_.weights);
  add("moment2", moment2_, group_.weights);
  add("average", averages_, group_.weights);
  add("average-buffer", buffer_averages_, group_.buffers);
  return all;
}

}  // namespace fovea
