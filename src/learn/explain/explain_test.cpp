#include "learn/explain/explain.hpp"

#include "base/core/error.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/full.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

namespace fovea {
namespace {

at::Tensor explain_test_weight(Network const& network, std::string_view name) {
  for (auto const& one : network.parameters()) {
    if (one.name == name) return one.value;
  }
  throw Error{Fault::bug, text("no weights ", name), "correct the test"};
}

void explain_test_set(Network const& network, std::string_view name, at::Tensor const& value) {
  c10::NoGradGuard const quiet;
  explain_test_weight(network, name).copy_(value);
}

/// Answers are w * x + b with a weight for each pixel: what each method must say of it can be
/// worked out by hand.
Network explain_test_linear(std::int64_t channels, std::int64_t side, int dimensions = 2) {
  Graph graph;
  auto at = graph.add("input", {},
                      {{"channels", channels}, {"dimensions", std::int64_t{dimensions}}});
  at = graph.add("conv", {at}, {{"out", std::int64_t{2}}, {"kernel", side}}, "w");
  graph.marks["features"] = at;
  graph.add("global_avg_pool", {at});
  return Network{graph, 7};
}

/// Class 1 is how much bright there is: a mean filter, a threshold at half, the mean of that.
Network explain_test_bright() {
  Graph graph;
  auto at =
      graph.add("input", {}, {{"channels", std::int64_t{1}}, {"dimensions", std::int64_t{2}}});
  at = graph.add(
      "conv", {at},
      {{"out", std::int64_t{2}}, {"kernel", std::int64_t{3}}, {"padding", std::int64_t{1}}},
      "filter");
  at = graph.add("relu", {at});
  at = graph.add("max_pool", {at}, {{"kernel", std::int64_t{2}}, {"stride", std::int64_t{2}}});
  graph.marks["features"] = at;
  graph.marks["embedding"] = at = graph.add("global_avg_pool", {at});
  graph.add("linear", {at}, {{"out", std::int64_t{2}}}, "head");
  Network network{graph, 7};
  explain_test_set(network, "filter.weight", at::full({2, 1, 3, 3}, 1.0 / 9));
  explain_test_set(network, "filter.bias", at::full({2}, -0.5));
  explain_test_set(network, "head.weight",
                   at::ones({2, 2}) * at::full({2, 1}, 1.0).cumsum(0).sub(1) * 50);
  explain_test_set(network, "head.bias", at::zeros({2}));
  return network;
}

constexpr std::int64_t explain_test_side = 32, explain_test_top = 18, explain_test_left = 6,
                       explain_test_square = 8;

at::Tensor explain_test_inside(at::Tensor const& map) {
  return map.narrow(-2, explain_test_top, explain_test_square)
      .narrow(-1, explain_test_left, explain_test_square);
}

at::Tensor explain_test_image() {
  auto const image = at::rand({1, 1, explain_test_side, explain_test_side}) * 0.2;
  explain_test_inside(image).fill_(1);
  return image;
}

Graph explain_test_drawn(int dimensions) {
  return network_named("small-cnn")
      .draw({.in = 2, .out = 3, .dimensions = dimensions, .size = 32});
}

}  // namespace

TEST(EveryExplainer, GivesAFiniteMapOfTheImagesSizeAndLeavesTheNetworkAlone) {
  for (auto const& row : explainers()) {
    for (int dimensions = 2; dimensions <= (network_named("small-cnn").volumes ? 3 : 2);
         ++dimensions) {
      SCOPED_TRACE(text(row.name, " in ", dimensions, "D"));
      Network const network{explain_test_drawn(dimensions), 3};
      auto const image =
          dimensions == 2 ? at::rand({1, 2, 32, 36}) : at::rand({1, 2, 32, 32, 36});
      auto const before = network(image).clone();
      auto const map = row.with_defaults()(network, image, logit_of(1));
      EXPECT_EQ(map.sizes(), image.sizes().slice(2));
      EXPECT_EQ(map.scalar_type(), at::kFloat);
      EXPECT_TRUE(at::isfinite(map).all().item<bool>());
      EXPECT_FALSE(map.requires_grad());
      EXPECT_FALSE(image.requires_grad());
      EXPECT_TRUE(network(image).equal(before));
      for (auto const& one : network.parameters())
        EXPECT_FALSE(one.value.grad().defined()) << one.name;
      EXPECT_TRUE(row.with_defaults()(network, image, logit_of(1)).equal(map))
          << "it repeats itself";
      EXPECT_THROW(row.with_defaults()(network, image, logit_of(3)), Error)
          << "there is no class 3";
      EXPECT_THROW(row.with_defaults()(network, at::rand({2, 2, 32, 32}), logit_of(1)), Error)
          << "two images";
      EXPECT_THROW(
          row.with_defaults()(network, image, [](at::Tensor const& out) { return out; }), Error)
          << "no number for each case";
    }
  }
}

TEST(EveryExplainer, FindsTheSquareThatMakesTheAnswer) {
  auto const network = explain_test_bright();
  auto const image = explain_test_image();
  for (auto const& row : explainers()) {
    SCOPED_TRACE(row.name);
    auto const map = row.with_defaults()(network, image, logit_of(1));
    auto const inside = explain_test_inside(map).sum().item<double>();
    EXPECT_GT(inside, 0);
    EXPECT_GT(explain_test_inside(map).mean().item<double>(), 5 * map.mean().item<double>());
  }
}

TEST(EveryExplainer, SaysNothingOfAnAnswerThatDependsOnNothing) {
  auto const network = explain_test_bright();
  for (auto const& row : explainers()) {
    SCOPED_TRACE(row.name);
    auto const map =
        row.with_defaults()(network, explain_test_image(),
                            [](at::Tensor const& out) { return at::ones({out.size(0)}); });
    EXPECT_EQ(map.abs().max().item<float>(), 0);
  }
}

TEST(Explainers, AreFoundByNameOrTheNearestIsSaid) {
  EXPECT_EQ(explainer_named("occlusion").name, "occlusion");
  try {
    explainer_named("grad-cam");
    FAIL();
  } catch (Error const& error) {
    EXPECT_EQ(error.fault(), Fault::usage);
    EXPECT_NE(std::string_view{error.what()}.find("'gradcam'"), std::string_view::npos)
        << error.what();
  }
}

TEST(Explainers, OfAnEnsembleAreAveraged) {
  std::vector<Network> const two = {explain_test_linear(1, 6), explain_test_linear(1, 6)};
  explain_test_set(two[0], "w.weight", at::ones({2, 1, 6, 6}));
  explain_test_set(two[1], "w.weight", at::ones({2, 1, 6, 6}) * 3);
  auto const map = explained(two, at::ones({1, 1, 6, 6}), logit_of(0), IntegratedGradients{});
  EXPECT_TRUE(at::allclose(map, at::full({6, 6}, 2.0)));
  EXPECT_THROW(explained({}, at::ones({1, 1, 6, 6}), logit_of(0), IntegratedGradients{}),
               Error);
}

TEST(IntegratedGradientsOf, ALinearNetworkAreTheWeightsTimesTheWayFromTheBaseline) {
  for (int dimensions = 2; dimensions <= 3; ++dimensions) {
    auto const network = explain_test_linear(2, 6, dimensions);
    auto const image = dimensions == 2 ? at::rand({1, 2, 6, 6}) : at::rand({1, 2, 6, 6, 6});
    auto const result =
        IntegratedGradients{.steps = 3, .baseline = 0.25, .batch = 2}.with_check(network, image,
                                                                                 logit_of(1));
    auto const expected =
        explain_test_weight(network, "w.weight").detach()[1] * (image[0] - 0.25);
    EXPECT_TRUE(at::allclose(result.attribution, expected, 1e-5, 1e-6));
    EXPECT_LT(result.gap, 1e-5);
    EXPECT_NEAR(result.rise, expected.sum().item<double>(), 1e-5);
  }
}

TEST(IntegratedGradientsOf, ANetworkAddUpToTheRiseOfTheAnswer) {
  Network const network{explain_test_drawn(2), 11};
  auto const image = at::rand({1, 2, 32, 32});
  auto const few = IntegratedGradients{.steps = 2}.with_check(network, image, logit_of(0));
  auto const many =
      IntegratedGradients{.steps = 200, .batch = 50}.with_check(network, image, logit_of(0));
  ASSERT_GT(std::abs(many.rise), 1e-3);
  EXPECT_LT(many.gap, 0.02 * std::abs(many.rise));
  EXPECT_NEAR(many.attribution.sum().item<double>(), many.rise, many.gap * 1.01 + 1e-5);
  EXPECT_DOUBLE_EQ(few.rise, many.rise);
}

TEST(OcclusionOf, TheOnlyPixelThatMattersIsFound) {
  auto const network = explain_test_linear(1, 7);
  auto const weight = at::zeros({2, 1, 7, 7});
  weight[1][0][4][2].fill_(3.0);
  explain_test_set(network, "w.weight", weight);
  auto const map = Occlusion{.patch = 1, .stride = 1, .batch = 5}(
      network, at::full({1, 1, 7, 7}, 2.0), logit_of(1));
  auto const expected = at::zeros({7, 7});
  expected[4][2].fill_(6.0);
  EXPECT_TRUE(at::allclose(map, expected, 1e-5, 1e-5)) << "covering the pixel takes 3 * 2 away";
}

// A patch of 4 with a stride of 3 on 9 pixels: begins at 0, 3 and 5, so that the last pixel is
// covered too.
TEST(OcclusionOf, EdgesAreCoveredWhenTheStrideDoesNotFit) {
  auto const network = explain_test_linear(1, 9);
  explain_test_set(network, "w.weight", at::ones({2, 1, 9, 9}));
  auto const map =
      Occlusion{.patch = 4, .stride = 3}(network, at::ones({1, 1, 9, 9}), logit_of(0));
  EXPECT_TRUE(at::allclose(map, at::full({9, 9}, 16.0), 1e-4, 1e-4))
      << "every patch takes 16 pixels of 1 away";
  auto const whole = Occlusion{.patch = 100}(network, at::ones({1, 1, 9, 9}), logit_of(0));
  EXPECT_TRUE(at::allclose(whole, at::full({9, 9}, 81.0), 1e-4, 1e-4))
      << "a patch larger than the image covers all of it";
}

TEST(GradCamOf, ALayerIsWhatThePaperSays) {
  auto const network = explain_test_bright();
  auto const image = explain_test_image();
  // Both channels weigh 50 / 256 places, and the map is their sum, stretched from 16 x 16.
  auto const features = network.outputs(image, {network.graph().marks.at("features")})[0];
  auto const map = GradCam{}(network, image, logit_of(1));
  EXPECT_NEAR(map.max().item<double>(), features.max().item<double>() * 2 * 50 / 256, 1e-4);
  EXPECT_EQ(map[2][30].item<float>(), 0);
  EXPECT_TRUE(at::allclose(GradCam{.node = 3}(network, image, logit_of(1)), map))
      << "the marked node by its number";
  EXPECT_EQ(GradCam{.node = 0}(network, image, logit_of(1)).sizes(), map.sizes())
      << "the image itself is a layer";
  EXPECT_EQ(GradCam{}(network, image, logit_of(0)).max().item<float>(), 0)
      << "class 0 weighs nothing";
}

TEST(GradCamOf, AVectorIsRefused) {
  auto const network = explain_test_bright();
  EXPECT_THROW((GradCam{.node = network.graph().marks.at("embedding")}(
                   network, explain_test_image(), logit_of(1))),
               Error);
  EXPECT_THROW((GradCam{.node = 99}(network, explain_test_image(), logit_of(1))), Error);
  Graph unmarked = network.graph();
  unmarked.marks.clear();
  EXPECT_THROW(GradCam{}(Network(unmarked, 0), explain_test_image(), logit_of(1)), Error);
}

}  // namespace fovea
