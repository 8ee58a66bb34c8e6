#include "learn/explain/sanity.hpp"

#include "base/core/error.hpp"
#include "learn/explain/cases.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace fovea {
namespace {

/// Class 1 answers for one corner of the image only.
Network sanity_test_corner() {
  Graph graph;
  auto at =
      graph.add("input", {}, {{"channels", std::int64_t{1}}, {"dimensions", std::int64_t{2}}});
  at =
      graph.add("conv", {at}, {{"out", std::int64_t{4}}, {"kernel", std::int64_t{16}}}, "look");
  at = graph.add("relu", {at});
  graph.marks["embedding"] = at = graph.add("global_avg_pool", {at});
  graph.add("linear", {at}, {{"out", std::int64_t{2}}}, "head");
  Network network{graph, 7};
  c10::NoGradGuard const quiet;
  for (auto const& one : network.parameters()) {
    at::Tensor const value = one.value;
    value.zero_();
    if (one.name == "look.weight") value.narrow(2, 0, 5).narrow(3, 11, 5).fill_(0.2);
    if (one.name == "head.weight") value[1].fill_(0.25);
    if (one.name == "head.bias")
      value[1].fill_(-3);  // so that the probability is far from 0 and 1
  }
  return network;
}

at::Tensor sanity_test_image() {
  return at::rand({1, 1, 16, 16}) * 0.1 + at::ones({1, 1, 16, 16}).tril(-1) * 0.5 +
         at::ones({1, 1, 16, 16}).triu(6) * 0.8;
}

}  // namespace

TEST(RankCorrelation, IsSpearmans) {
  std::vector<float> const a = {1, 2, 3, 4, 5}, up = {10, 20, 25, 90, 1000},
                           down = {5, 4, 3, 2, 1}, flat = {1, 1, 1, 1, 1};
  EXPECT_DOUBLE_EQ(*rank_correlation(a, up), 1);
  EXPECT_DOUBLE_EQ(*rank_correlation(a, down), -1);
  EXPECT_FALSE(rank_correlation(a, flat));
  EXPECT_FALSE(rank_correlation({}, {}));
  // scipy.stats.spearmanr([1, 2, 2, 3, 7, 7], [2, 1, 4, 4, 3, 9]).statistic of scipy 1.17.1
  std::vector<float> const x = {1, 2, 2, 3, 7, 7}, y = {2, 1, 4, 4, 3, 9};
  EXPECT_NEAR(*rank_correlation(x, y), 0.5821543981758688, 1e-12);
  EXPECT_THROW(rank_correlation(a, x), Error);
}

TEST(Randomised, GivesFreshWeightsFromTheOutputDown) {
  auto const network = sanity_test_corner();
  auto const image = sanity_test_image();
  auto const before = network(image).clone();
  Network const fresh{network.graph(), 5};
  auto const weights = [](Network const& one, std::size_t which) {
    return one.parameters()[which].value;
  };
  auto const same = randomised(network, 5, 0), half = randomised(network, 5, 0.5),
             all = randomised(network, 5);
  for (std::size_t i = 0; i < network.parameters().size(); ++i) {
    SCOPED_TRACE(network.parameters()[i].name);
    auto const head = network.parameters()[i].name.starts_with("head");
    EXPECT_TRUE(weights(same, i).equal(weights(network, i)));
    EXPECT_TRUE(weights(half, i).equal(weights(head ? fresh : network, i)));
    EXPECT_TRUE(weights(all, i).equal(weights(fresh, i)));
  }
  EXPECT_TRUE(network(image).equal(before)) << "the network itself is left alone";
  EXPECT_THROW(randomised(network, 5, 1.5), Error);
}

TEST(Randomised, ChangesMapsThatShowReasons) {
  auto const network = sanity_test_corner();
  auto const image = at::rand({1, 1, 16, 16});
  auto const map = [&](Network const& one) {
    return IntegratedGradients{}(one, image, logit_of(1)).contiguous();
  };
  auto const values = [](at::Tensor const& one) {
    return std::span{one.const_data_ptr<float>(), static_cast<std::size_t>(one.numel())};
  };
  auto const before = map(network), after = map(randomised(network, 5));
  EXPECT_LT(std::abs(rank_correlation(values(before), values(after)).value()), 0.5);
}

TEST(RemovalCurves, TellTheRightMapFromARandomOneAndFromTheOpposite) {
  auto const network = sanity_test_corner();
  auto const image = sanity_test_image();
  auto const map = at::zeros({16, 16});
  map.narrow(0, 0, 5).narrow(1, 11, 5).fill_(1);
  auto const right = removal_curves(network, image, map, probability_of(1));
  EXPECT_LT(right.deletion.area, right.random_deletion.area - 0.02);
  EXPECT_GT(right.insertion.area, right.random_insertion.area + 0.02);
  auto const wrong = removal_curves(network, image, -map, probability_of(1));
  EXPECT_GT(wrong.deletion.area, wrong.random_deletion.area);
  EXPECT_LT(wrong.insertion.area, wrong.random_insertion.area);
}

TEST(RemovalCurves, BeginAndEndWithTheImageAndTheBlank) {
  auto const network = sanity_test_corner();
  auto const image = sanity_test_image();
  auto const blank = image.mean().expand_as(image);
  auto const ask = probability_of(1);
  auto const curves =
      removal_curves(network, image, at::rand({16, 16}), ask, {.steps = 7, .batch = 3});
  ASSERT_EQ(curves.deletion.answers.size(), 8U);
  auto const whole = ask(network(image)).item<double>(),
             none = ask(network(blank)).item<double>();
  EXPECT_NEAR(curves.deletion.answers.front(), whole, 1e-6);
  EXPECT_NEAR(curves.deletion.answers.back(), none, 1e-6);
  EXPECT_NEAR(curves.insertion.answers.front(), none, 1e-6);
  EXPECT_NEAR(curves.insertion.answers.back(), whole, 1e-6);
  EXPECT_NEAR(curves.random_insertion.answers.back(), whole, 1e-6);
  auto const again = removal_curves(network, image, at::ones({16, 16}), ask, {.seed = 4});
  EXPECT_EQ(
      again.deletion.answers,
      removal_curves(network, image, at::ones({16, 16}), ask, {.seed = 4}).deletion.answers);
  EXPECT_THROW(removal_curves(network, image, at::ones({15, 16}), ask), Error);
}

TEST(CaseIndex, FindsTheNearestByDirection) {
  CaseIndex index;
  EXPECT_TRUE(index.nearest(at::ones({2}), 3).empty());
  index.add(at::tensor({1.0F, 0.0F, 0.0F, 2.0F}).reshape({2, 2}));
  index.add(at::tensor({3.0F, 3.0F, 0.0F, 0.0F, 0.0F, 5.0F}).reshape({3, 2}));
  EXPECT_EQ(index.size(), 5);
  auto const found = index.nearest(at::tensor({0.0F, 0.1F}), 3);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].index, 1U) << "of two that are equally near the earlier";
  EXPECT_EQ(found[1].index, 4U);
  EXPECT_EQ(found[2].index, 2U);
  EXPECT_NEAR(found[0].similarity, 1, 1e-6);
  EXPECT_NEAR(found[2].similarity, std::sqrt(0.5), 1e-6);
  EXPECT_EQ(index.nearest(at::ones({2}), 99).size(), 5U);
  EXPECT_EQ(index.nearest(at::zeros({2}), 1)[0].similarity, 0);
}

TEST(CaseIndex, RefusesWhatCannotBeCompared) {
  CaseIndex index;
  index.add(at::ones({1, 3}));
  EXPECT_THROW(index.add(at::ones({1, 4})), Error);
  EXPECT_THROW(index.nearest(at::ones({4}), 1), Error);
  EXPECT_THROW(index.add(at::full({1, 3}, std::numeric_limits<double>::quiet_NaN())), Error);
  EXPECT_EQ(index.size(), 1);
}

TEST(Embeddings, AreWhatTheHeadReads) {
  auto const network = sanity_test_corner();
  auto const images = at::rand({3, 1, 16, 16});
  auto const rows = embeddings(network, images);
  EXPECT_EQ(rows.sizes(), (at::IntArrayRef{3, 4}));
  EXPECT_FALSE(rows.requires_grad());
  EXPECT_NEAR(rows[2].sum().item<double>() * 0.25 - 3, network(images)[2][1].item<double>(),
              1e-4)
      << "the head adds them up";
  auto graph = network.graph();
  graph.marks.clear();
  EXPECT_THROW(embeddings(Network(graph, 0), images), Error);
}

}  // namespace fovea
