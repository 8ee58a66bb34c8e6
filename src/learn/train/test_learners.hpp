#pragma once

#include "base/core/rng.hpp"
#include "learn/train/learner.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

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

}  // namespace fovea
