#include "learn/loss/loss.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/log_sigmoid.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/one_hot.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

namespace fovea {
namespace {

void loss_check(bool fits, std::string_view what, at::Tensor const& got) {
  if (fits) return;
  auto sizes = std::string{};
  for (auto const size : got.sizes()) sizes += text(sizes.empty() ? "" : ", ", size);
  throw Error{Fault::bug, text("a loss expected ", what, ", got [", sizes, "]"),
              "correct the learner's step()"};
}

at::Tensor loss_logits(LossInput const& input) {
  auto const& logits = input.logits;
  loss_check(logits.dim() == 2, "logits [cases, classes]", logits);
  auto const cases = logits.size(0);
  auto const classes = logits.size(1);
  if (input.weight.defined())
    loss_check(input.weight.dim() == 1 && input.weight.size(0) == cases,
               "a weight for each case", input.weight);
  if (input.class_weights.defined())
    loss_check(input.class_weights.dim() == 1 && input.class_weights.size(0) == classes,
               "a weight for each class", input.class_weights);
  return logits.scalar_type() == at::kDouble ? logits : logits.to(at::kFloat);
}

at::Tensor loss_like(at::Tensor const& given, at::Tensor const& logits, std::int64_t count) {
  return given.defined() ? given.to(logits.options()) : at::ones({count}, logits.options());
}

// Shares of the classes [n, c] and which cases are known [n].
struct LossTruth {
  at::Tensor shares, known;
};

LossTruth loss_truth(LossInput const& input, at::Tensor const& logits) {
  auto const& target = input.target;
  if (target.dim() == 2) {
    loss_check(target.sizes() == logits.sizes(), "shares [cases, classes] as the logits",
               target);
    auto const known = target.amin(1) >= 0;
    auto const shares = target.to(logits.options());
    return {at::where(known.unsqueeze(1), shares, at::zeros_like(shares)),
            known.to(logits.options())};
  }
  loss_check(target.dim() == 1 && target.size(0) == logits.size(0) &&
                 target.scalar_type() == at::kLong,
             "a class (int64) for each case", target);
  auto const known = target >= 0;
  auto const shares = at::one_hot(target.clamp_min(0), logits.size(1)).to(logits.options());
  return {shares * known.to(logits.options()).unsqueeze(1), known.to(logits.options())};
}

// A sum of no cases is 0 over 0; the floor makes it 0 without a branch on the device's values.
at::Tensor loss_mean(at::Tensor const& sum, at::Tensor const& weights) {
  return sum / weights.sum().clamp_min(1e-12);
}

at::Tensor loss_softmax(LossInput const& input, LossOptions const& options, double gamma) {
  auto const logits = loss_logits(input);
  auto const [shares, known] = loss_truth(input, logits);
  auto const weight = loss_like(input.weight, logits, logits.size(0)) * known;
  auto const classes = loss_like(input.class_weights, logits, logits.size(1));
  auto const log_p = at::log_softmax(logits, 1);
  auto each = -log_p;
  // The floor keeps the power's slope finite where a case is certain and gamma is below 1.
  if (gamma != 0) each = each * (1 - log_p.exp()).clamp_min(1e-12).pow(gamma);
  auto const smooth = options.smoothing == 0
                          ? shares
                          : shares * (1 - options.smoothing) +
                                options.smoothing / static_cast<double>(logits.size(1));
  auto const of_cases = (each * smooth * classes).sum(1);
  return loss_mean((of_cases * weight).sum(), (shares * classes).sum(1) * weight);
}

at::Tensor loss_binary(LossInput const& input,
                       LossOptions const& options,
                       double gamma,
                       double alpha) {
  auto const logits = loss_logits(input);
  loss_check(input.target.sizes() == logits.sizes(), "labels [cases, classes] as the logits",
             input.target);
  auto const known = (input.target >= 0).to(logits.options());
  auto truth = input.target.to(logits.options()).clamp_min(0);
  if (options.smoothing != 0) truth = truth * (1 - options.smoothing) + 0.5 * options.smoothing;
  auto const classes = loss_like(input.class_weights, logits, logits.size(1));
  auto const log_yes = at::log_sigmoid(logits);
  auto const log_no = at::log_sigmoid(-logits);
  auto yes = -log_yes * truth * classes;
  auto no = -log_no * (1 - truth);
  if (gamma != 0) {
    yes = yes * (gamma * log_no).exp();
    no = no * (gamma * log_yes).exp();
  }
  if (alpha >= 0) {
    yes = yes * alpha;
    no = no * (1 - alpha);
  }
  auto const weight = known * loss_like(input.weight, logits, logits.size(0)).unsqueeze(1);
  return loss_mean(((yes + no) * weight).sum(), weight);
}

constexpr LossRow loss_rows[] = {
    {"cross-entropy", "softmax cross-entropy: one class a case", cross_entropy},
    {"focal", "cross-entropy in which easy cases count less (Lin 2017)", focal},
    {"binary-cross-entropy", "each label for itself, unknown ones masked", binary_cross_entropy,
     true},
    {"binary-focal", "the focal form of it", binary_focal, true},
};

}  // namespace

at::Tensor cross_entropy(LossInput const& input, LossOptions const& options) {
  return loss_softmax(input, options, 0);
}

at::Tensor focal(LossInput const& input, LossOptions const& options) {
  return loss_softmax(input, options, options.gamma);
}

at::Tensor binary_cross_entropy(LossInput const& input, LossOptions const& options) {
  return loss_binary(input, options, 0, -1);
}

at::Tensor binary_focal(LossInput const& input, LossOptions const& options) {
  return loss_binary(input, options, options.gamma, options.alpha);
}

std::span<LossRow const> losses() {
  return loss_rows;
}

LossRow const& loss_named(std::string_view name) {
  auto const found = std::ranges::find(loss_rows, name, &LossRow::name);
  if (found != std::end(loss_rows)) return *found;
  std::vector<std::string> known;
  for (auto const& row : loss_rows) known.emplace_back(row.name);
  throw Error{Fault::usage, text("no loss '", name, "'"), did_you_mean(name, known)};
}

}  // namespace fovea
