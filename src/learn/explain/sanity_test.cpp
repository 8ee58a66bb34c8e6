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

TEST(RandomisedWeights, TellAMethodThatIgnoresThem) {
  auto const network = sanity_test_corner();
  auto const images = at::rand({3, 1, 16, 16});
  Explainer const edges = [](Network const&, at::Tensor const& image, Question const&) {
    return (image.diff(1, 2, {}, at::zeros({1, 1, 1, 16}))).abs().reshape({16, 16});
  };
  auto const blind = randomised_weights(network, images, logit_of(1), edges, 5);
  EXPECT_FALSE(blind.depends_on_weights);
  for (auto const& similarity : blind.similarity) EXPECT_DOUBLE_EQ(similarity.value(), 1);
  auto const honest =
      randomised_weights(network, images, logit_of(1), IntegratedGradients{}, 5);
  EXPECT_TRUE(honest.depends_on_weights);
  EXPECT_EQ(honest.layers, (std::vector<std::string>{"head", "look"}))
      << "from the output down";
  EXPECT_LT(std::abs(honest.similarity.back().value()), 0.5);
}

TEST(RandomisedWeights, LeaveTheNetworkItselfAlone) {
  auto const network = sanity_test_corner();
  auto const image = sanity_test_image();
  auto const before = network(image).clone();
  randomised_weights(network, image, logit_of(1), Occlusion{}, 5, 1);
  EXPECT_TRUE(network(image).equal(before));
}

TEST(RandomisedWeights, OfMapsThatWereFlatTellNothing) {
  Explainer const flat = [](Network const&, at::Tensor const& image, Question const&) {
    return at::ones(image.sizes().slice(2));
  };
  auto const result =
      randomised_weights(sanity_test_corner(), sanity_test_image(), logit_of(1), flat, 5);
  EXPECT_FALSE(result.similarity.back());
  EXPECT_FALSE(result.depends_on_weights);
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
