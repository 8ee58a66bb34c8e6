#include "learn/train/optimiser.hpp"

#include "base/core/error.hpp"
#include "base/core/file.hpp"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace fovea {
namespace {

at::Tensor optimiser_values(std::vector<float> const& values,
                            at::ScalarType type = at::kFloat) {
  auto const out = at::empty({static_cast<std::int64_t>(values.size())}, at::kFloat);
  std::ranges::copy(values, out.mutable_data_ptr<float>());
  return out.to(type);
}

// The function of testdata/make_optimisers.py.
at::Tensor optimiser_loss(at::Tensor const& a, at::Tensor const& b, int step) {
  auto const type = a.scalar_type();
  auto const target = optimiser_values({1, -2, 0.5}, type) * (1 + 0.1 * step);
  auto const c = optimiser_values({1, 0.3F, 2}, type);
  return ((a - target).square() * c).sum() + (a.select(0, 0) * b.select(0, 1)).square() +
         b.pow(4).sum();
}

Group optimiser_group(Json const& options, std::string const& kind, at::ScalarType type) {
  Optimiser how{.kind = kind};
  how.learning_rate = options.at("learning_rate").get<double>();
  how.weight_decay = options.value("weight_decay", 0.0);
  how.momentum = options.value("momentum", 0.9);
  how.beta1 = options.value("beta1", 0.9);
  how.beta2 = options.value("beta2", 0.999);
  how.epsilon = options.value("epsilon", 1e-8);
  how.l1 = options.value("l1", 0.0);
  how.clip = options.value("clip", 0.0);
  return {"net",
          {{"a", optimiser_values({0.3F, -0.7F, 1.1F}, type).set_requires_grad(true), true},
           {"b", optimiser_values({0.9F, -1.2F}, type).set_requires_grad(true), false}},
          {},
          how};
}

void optimiser_compare(at::ScalarType type) {
  auto const reference =
      read_json(fs::path{FOVEA_SOURCE_DIR} / "src/learn/train/testdata/optimisers.json");
  for (auto const& row : reference.at("rows")) {
    auto const kind = row.at("kind").get<std::string>();
    SCOPED_TRACE(kind + row.at("options").dump());
    GroupMover mover{optimiser_group(row.at("options"), kind, type), 0};
    auto const& a = mover.group().weights[0].value;
    auto const& b = mover.group().weights[1].value;
    for (int step = 0; step < 20; ++step) {
      mover.update(optimiser_loss(a, b, step), mover.group().optimiser.learning_rate);
      auto const& expected = row.at("steps")[static_cast<std::size_t>(step)];
      for (int i = 0; i < 5; ++i) {
        auto const value = (i < 3 ? a.select(0, i) : b.select(0, i - 3)).item<double>();
        ASSERT_NEAR(value, expected[static_cast<std::size_t>(i)].get<double>(),
                    1e-6 * std::max(1.0, std::abs(value)))
            << "step " << step << ", weight " << i;
      }
    }
  }
}

// Weights larger than one piece, in two groups of sizes, moved a few times.
std::vector<float> optimiser_large(std::string const& kind, double average) {
  at::manual_seed(1);
  auto const w = at::randn({3, 10007}).set_requires_grad(true);
  GroupMover mover{{"net",
                    {{"w", w, true}},
                    {},
                    {.kind = kind, .weight_decay = 0.1, .l1 = 1e-3, .clip = 0.1}},
                   average};
  for (int step = 0; step < 5; ++step) mover.update((w.sin() * w).sum(), 0.01);
  auto const state = mover.state();
  std::vector<float> all;
  for (auto const& value : {w.detach(), state.back().value})
    all.insert(all.end(), value.const_data_ptr<float>(),
               value.const_data_ptr<float>() + value.numel());
  return all;
}

}  // namespace

TEST(EveryOptimiser, StepsAsPyTorchDoes) {
  optimiser_compare(at::kFloat);
}

TEST(EveryOptimiser, StepsAsPyTorchDoesWithoutTheFusedLoop) {
  optimiser_compare(at::kDouble);
}

TEST(EveryOptimiser, GivesTheSameBitsForAnyNumberOfThreads) {
  for (auto const& row : optimisers()) {
    SCOPED_TRACE(row.name);
    at::set_num_threads(1);
    auto const one = optimiser_large(std::string{row.name}, 0.9);
    at::set_num_threads(2);
    EXPECT_EQ(optimiser_large(std::string{row.name}, 0.9), one);
  }
}

TEST(EveryOptimiser, MovesWeightsInAnotherMemoryFormatAlike) {
  for (auto const& row : optimisers()) {
    SCOPED_TRACE(row.name);
    at::Tensor results[2];
    for (auto const last : {false, true}) {
      at::manual_seed(2);
      auto w = at::randn({4, 3, 2, 2});
      auto const x = at::randn({4, 3, 2, 2});
      if (last) w = w.contiguous(at::MemoryFormat::ChannelsLast);
      w.set_requires_grad(true);
      GroupMover mover{{"net", {{"w", w, true}}, {}, {.kind = std::string{row.name}}}, 0};
      for (int step = 0; step < 3; ++step) mover.update((w * x).sum(), 0.1);
      EXPECT_EQ(w.is_contiguous(at::MemoryFormat::ChannelsLast), last);
      results[last ? 1 : 0] = w.detach();
    }
    EXPECT_TRUE(results[0].equal(results[1]));
  }
}

TEST(GroupMover, LeavesTheWeightsOfOtherGroupsWithoutGradient) {
  auto const mine = at::full({1}, 1.0).set_requires_grad(true);
  auto const other = at::full({1}, 2.0).set_requires_grad(true);
  GroupMover mover{{"mine", {{"w", mine, true}}, {}, {}}, 0};
  mover.update((mine * other).sum(), 0.1);
  EXPECT_FALSE(other.grad().defined());
  EXPECT_NE(mine.item<double>(), 1);
}

TEST(GroupMover, AveragesWithAWarmStartAndSwaps) {
  auto const w = at::full({1}, 1.0).set_requires_grad(true);
  auto const mean = at::full({1}, 4.0);
  GroupMover mover{
      {"net", {{"w", w, true}}, {{"mean", mean, false}}, {.kind = "sgd", .momentum = 0}}, 0.99};
  auto expected_w = 1.0;
  auto expected_mean = 4.0;
  for (int t = 1; t <= 4; ++t) {
    mover.update(w.sum(), 0.1);  // the gradient is 1
    mean.fill_(4 + t);
    mover.average_buffers();
    auto const decay = (1.0 + t) / (10.0 + t);
    expected_w += (1 - decay) * (1 - 0.1 * t - expected_w);
    expected_mean += (1 - decay) * (4 + t - expected_mean);
  }
  mover.swap_averages();
  EXPECT_NEAR(w.item<double>(), expected_w, 1e-6);
  EXPECT_NEAR(mean.item<double>(), expected_mean, 1e-5);
  mover.swap_averages();
  EXPECT_NEAR(w.item<double>(), 0.6, 1e-6);
  EXPECT_EQ(mean.item<double>(), 8);
}

TEST(GroupMover, RefusesALossThatIsNoNumber) {
  auto const w = at::full({1}, 1.0).set_requires_grad(true);
  GroupMover mover{{"net", {{"w", w, true}}, {}, {}}, 0};
  EXPECT_THROW(mover.update((w * std::numeric_limits<double>::infinity()).sum(), 0.1), Error);
  EXPECT_EQ(w.item<double>(), 1);
}

TEST(GroupMover, MakesAutogradRefuseATapeThatReadMovedWeights) {
  auto const w = at::full({1}, 1.0).set_requires_grad(true);
  auto const other = at::full({1}, 1.0).set_requires_grad(true);
  GroupMover mine{{"mine", {{"w", w, true}}, {}, {}}, 0};
  GroupMover theirs{{"theirs", {{"w", other, true}}, {}, {}}, 0};
  auto const late = (w * other).sum();  // its derivative by `other` needs w as it was
  mine.update(w.square().sum(), 0.1);
  EXPECT_ANY_THROW(theirs.update(late, 0.1));
}

TEST(GroupMover, RefusesNumbersOutOfRange) {
  auto const w = at::full({1}, 1.0).set_requires_grad(true);
  auto const group = [&](Optimiser const& how) {
    return Group{"net", {{"w", w, true}}, {}, how};
  };
  EXPECT_THROW((GroupMover{group({.kind = "adan"}), 0}), Error);
  EXPECT_THROW((GroupMover{group({.learning_rate = 0}), 0}), Error);
  EXPECT_THROW((GroupMover{group({.momentum = 1}), 0}), Error);
  EXPECT_THROW((GroupMover{group({.beta2 = 1.5}), 0}), Error);
  EXPECT_THROW((GroupMover{group({.clip = -1}), 0}), Error);
  EXPECT_THROW((GroupMover{group({}), 1}), Error);
  EXPECT_THROW((GroupMover{{"net", {{"w", at::full({1}, 1.0), true}}, {}, {}}, 0}), Error);
}

}  // namespace fovea
