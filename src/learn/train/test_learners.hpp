#pragma once

#include "base/core/rng.hpp"
#include "learn/train/learner.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/softplus.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <string>

namespace fovea {

/// All bytes of a learner's weights and buffers: equal only if the weights are equal bit for
/// bit.
inline std::string bits_of(Learner& learner) {
  std::string bits;
  for (auto const& group : learner.groups()) {
    for (auto const* list : {&group.weights, &group.buffers}) {
      for (auto const& weight : *list) {
        auto const value = weight.value.detach().contiguous();
        bits.append(static_cast<char const*>(value.const_data_ptr()), value.nbytes());
      }
    }
  }
  return bits;
}

/// y = 2 x - 1 with noise: the smallest supervised learner.
struct LineLearner : Learner {
  at::Tensor slope = at::zeros({1}).set_requires_grad(true);
  at::Tensor offset = at::zeros({1}).set_requires_grad(true);
  at::Tensor seen = at::zeros({1});  ///< a buffer: mean of the inputs, as a batch norm keeps it
  Optimiser how{.learning_rate = 0.05, .schedule = "cosine"};

  std::vector<Group> groups() override {
    return {{"line",
             {{"slope", slope, true}, {"offset", offset, false}},
             {{"seen", seen, false}},
             how}};
  }
  Batch sample(Slot slot) override {
    Rng rng{{slot.seed, static_cast<std::uint64_t>(slot.step),
             static_cast<std::uint64_t>(slot.index)}};
    auto const x = rng.normal();
    auto const y = 2 * x - 1 + rng.normal(0, 0.05);
    return {{"x", at::full({1}, x)}, {"y", at::full({1}, y)}};
  }
  Losses step(Batch const& batch, Update& update) override {
    auto const& x = batch.at("x");
    seen.mul_(0.9).add_(x.mean().detach(), 0.1);
    auto const loss = (x * slope + offset - batch.at("y")).square().mean();
    update("line", loss);
    return {{"loss", loss.item<double>()}};
  }
  Scores validate(Stop const&) override {
    auto const error = std::abs(slope.item<double>() - 2) + std::abs(offset.item<double>() + 1);
    return {{"error", error, false}};
  }
};

/// A generator and a critic with an optimiser each, and a pool of earlier fakes (Shrivastava et
/// al. 2017), on numbers drawn around 3: the smallest adversarial learner.
struct DuelLearner : Learner {
  static at::Tensor weight(std::vector<std::int64_t> const& size, std::uint64_t seed) {
    auto const value = at::zeros(size);
    Rng rng{seed};
    for (std::int64_t i = 0; i < value.numel(); ++i)
      value.mutable_data_ptr<float>()[i] = static_cast<float>(rng.normal(0, 0.5));
    return value.set_requires_grad(true);
  }
  struct Player {
    at::Tensor in, bias, out;
    explicit Player(std::uint64_t seed)
        : in(weight({1, 8}, seed)),
          bias(weight({8}, seed + 1)),
          out(weight({8, 1}, seed + 2)) {}
    at::Tensor operator()(at::Tensor const& x) const {
      return (x.matmul(in) + bias).tanh().matmul(out);
    }
    std::vector<Weight> weights() const {
      return {{"in", in, true}, {"bias", bias, false}, {"out", out, true}};
    }
  };
  Player generator{1}, critic{11};
  at::Tensor pool = at::zeros({16, 1});
  Json updates = 0;

  std::vector<Group> groups() override {
    return {
        {"generator", generator.weights(), {}, {.learning_rate = 0.02, .schedule = "constant"}},
        {"critic",
         critic.weights(),
         {},
         {.kind = "sgd",
          .learning_rate = 0.05,
          .weight_decay = 1e-3,
          .clip = 1,
          .schedule = "poly"}}};
  }
  Batch sample(Slot slot) override {
    Rng rng{{slot.seed, static_cast<std::uint64_t>(slot.step),
             static_cast<std::uint64_t>(slot.index)}};
    return {{"real", at::full({1}, rng.normal(3, 0.3))}};
  }
  Losses step(Batch const& batch, Update& update) override {
    auto const& real = batch.at("real");
    auto const fake = generator(at::randn(real.sizes()));
    auto const seen = at::cat({fake.detach(), pool});
    auto const judged = at::softplus(critic(seen)).mean() + at::softplus(-critic(real)).mean();
    update("critic", judged);
    auto const fooled = at::softplus(-critic(generator(at::randn(real.sizes())))).mean();
    update("generator", fooled);
    auto const count = updates.get<std::int64_t>();
    pool.narrow(0, count % 16, 1).copy_(fake.detach().narrow(0, 0, 1));
    updates = count + 1;
    return {{"loss", fooled.item<double>()}, {"critic", judged.item<double>()}};
  }
  Scores validate(Stop const&) override {
    auto const made = generator(at::randn({256, 1})).mean().item<double>();
    return {{"distance", std::abs(made - 3), false}};
  }
  void state(Archive& archive) override {
    archive.tensor("pool", pool);
    archive.json("updates", updates);
  }
};

/// Learns by acting to walk a 4 x 4 grid from corner to corner: Q-learning with a replay buffer
/// and a target table (Mnih et al. 2015), the smallest learner whose samples follow from its
/// weights.
struct WalkLearner : Learner {
  static constexpr std::int64_t side = 4, cells = side * side, goal = cells - 1, memory = 64;
  at::Tensor table = at::zeros({cells, 4}).set_requires_grad(true);
  at::Tensor target = at::zeros({cells, 4});
  at::Tensor replay = at::zeros({memory, 4});  ///< from, action, reward, to
  Json place = 0, count = 0;

  static std::int64_t moved(std::int64_t cell, std::int64_t action) {
    auto const x = cell % side;
    auto const y = cell / side;
    if (action == 0) return x + 1 < side ? cell + 1 : cell;
    if (action == 1) return x > 0 ? cell - 1 : cell;
    if (action == 2) return y + 1 < side ? cell + side : cell;
    return y > 0 ? cell - side : cell;
  }
  std::int64_t best_action(std::int64_t cell) const {
    return table.detach().select(0, cell).argmax().item<std::int64_t>();
  }
  bool acts() const override { return true; }
  std::vector<Group> groups() override {
    return {{"q",
             {{"table", table, false}},
             {},
             {.kind = "adam", .learning_rate = 0.05, .schedule = "constant"}}};
  }
  Batch sample(Slot slot) override {
    Rng rng{{slot.seed, static_cast<std::uint64_t>(slot.step),
             static_cast<std::uint64_t>(slot.index)}};
    auto const from = place.get<std::int64_t>();
    auto const action = rng.chance(0.3) ? rng.below(4) : best_action(from);
    auto const to = moved(from, action);
    auto const played = count.get<std::int64_t>();
    auto* const row = replay.mutable_data_ptr<float>() + (played % memory) * 4;
    row[0] = static_cast<float>(from);
    row[1] = static_cast<float>(action);
    row[2] = to == goal ? 1 : -0.01F;
    row[3] = static_cast<float>(to);
    count = played + 1;
    place = to == goal ? 0 : to;
    return {{"memory", replay.select(0, rng.below(std::min(played + 1, memory))).clone()}};
  }
  Losses step(Batch const& batch, Update& update) override {
    auto const& seen = batch.at("memory");
    auto const column = [&](std::int64_t i) { return seen.select(1, i); };
    auto const from = column(0).to(at::kLong);
    auto const to = column(3).to(at::kLong);
    auto const after =
        std::get<0>(target.index_select(0, to).max(1)) * (to != goal).to(at::kFloat);
    auto const wanted = column(2) + 0.9 * after;
    auto const q =
        table.index_select(0, from).gather(1, column(1).to(at::kLong).unsqueeze(1)).squeeze(1);
    auto const loss = (q - wanted).square().mean();
    update("q", loss);
    if (count.get<std::int64_t>() % 40 == 0) target.copy_(table.detach());
    return {{"loss", loss.item<double>()}};
  }
  Scores validate(Stop const&) override {
    std::int64_t cell = 0;
    auto steps = 0;
    while (cell != goal && steps < 50) cell = moved(cell, best_action(cell)), ++steps;
    return {{"steps", static_cast<double>(steps), false}};
  }
  void state(Archive& archive) override {
    archive.tensor("target", target);
    archive.tensor("replay", replay);
    archive.json("place", place);
    archive.json("count", count);
  }
};

}  // namespace fovea
