// What every network promises. A new row in catalogue.cpp is tested here for free.
#include "base/core/error.hpp"
#include "learn/nn/network.hpp"
#include "learn/nn/ops.hpp"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <set>

namespace fovea {
namespace {

at::Tensor catalogue_images(std::int64_t batch,
                            std::int64_t channels,
                            std::vector<std::int64_t> const& size) {
  std::vector<std::int64_t> shape{batch, channels};
  shape.insert(shape.end(), size.begin(), size.end());
  return at::randn(shape);
}

double catalogue_difference(at::Tensor const& a, at::Tensor const& b) {
  return ((a - b).norm() / b.norm()).item<double>();
}

// resnet34 is resnet18 with more of its blocks: where networks take long, one of them is
// enough.
bool catalogue_repeats(NetworkRow const& row) {
  return row.name == "resnet34";
}

// Running statistics that differ from those of a fresh network, so that folding them cannot go
// unnoticed.
void catalogue_live(Network& network) {
  c10::NoGradGuard const no_tape;
  for (auto& buffer : network.buffers()) {
    if (buffer.name.ends_with("running_var"))
      buffer.value.uniform_(0.5, 2);
    else
      buffer.value.normal_(0, 0.2);
  }
}

}  // namespace

TEST(EveryNetwork, HasANameOfItsOwnAndSaysItsPaper) {
  std::set<std::string_view> names;
  for (auto const& row : networks()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_FALSE(row.paper.empty()) << row.name;
    EXPECT_EQ(network_named(row.name).draw, row.draw);
  }
}

TEST(EveryNetwork, TakesSmallAndOddImagesAndGivesOneNumberPerOutput) {
  for (auto const& row : networks()) {
    SCOPED_TRACE(row.name);
    Network const drawn_for_28{row.draw({.in = 2, .out = 3, .size = 28}), 1};
    for (std::int64_t const size : {28, 33})
      EXPECT_EQ(drawn_for_28(catalogue_images(1, 2, {size, size + 3})).sizes(),
                (at::IntArrayRef{1, 3}));
    Network const drawn_for_33{row.draw({.in = 1, .out = 3, .size = 33}), 1};
    EXPECT_EQ(drawn_for_33(catalogue_images(2, 1, {33, 33})).sizes(), (at::IntArrayRef{2, 3}));
  }
}

TEST(EveryNetwork, TakesLargeImages) {
  for (auto const& row : networks()) {
    SCOPED_TRACE(row.name);
    auto const graph = row.draw({.in = 1, .out = 2, .size = 512});
    EXPECT_EQ(shapes_of(graph, {512, 512}).back(), (Shape{2, {}, false}));
    if (cost_of(graph, {512, 512}).multiply_adds > 5e9) continue;
    EXPECT_EQ(Network(graph, 1)(catalogue_images(1, 1, {512, 512})).sizes(),
              (at::IntArrayRef{1, 2}));
  }
}

TEST(EveryNetwork, SendsAGradientToEveryParameter) {
  for (auto const& row : networks()) {
    SCOPED_TRACE(row.name);
    Network network{row.draw({.in = 1, .out = 3, .size = 28}), 1};
    auto const out = network.train(catalogue_images(2, 1, {28, 28}));
    (out * at::randn(out.sizes())).sum().backward();
    for (auto const& parameter : network.parameters()) {
      ASSERT_TRUE(parameter.value.grad().defined()) << parameter.name;
      EXPECT_TRUE(parameter.value.grad().isfinite().all().item<bool>()) << parameter.name;
    }
  }
}

TEST(EveryNetwork, NamesEachTensorOnceAndCountsItsParameters) {
  for (auto const& row : networks()) {
    SCOPED_TRACE(row.name);
    Network const network{row.draw({.in = 1, .out = 3, .size = 28}), 1};
    std::set<std::string> names;
    std::int64_t count = 0;
    for (auto const& parameter : network.parameters()) {
      EXPECT_TRUE(names.insert(parameter.name).second) << parameter.name;
      EXPECT_TRUE(parameter.value.requires_grad()) << parameter.name;
      count += parameter.value.numel();
      EXPECT_FALSE(parameter.decays && parameter.name.ends_with("bias")) << parameter.name;
    }
    for (auto const& buffer : network.buffers()) {
      EXPECT_TRUE(names.insert(buffer.name).second) << buffer.name;
      EXPECT_FALSE(buffer.value.requires_grad()) << buffer.name;
    }
    EXPECT_EQ(cost_of(network.graph(), {28, 28}).parameters, count);
  }
}

TEST(EveryNetwork, ComesBackFromItsJsonAsItWas) {
  for (auto const& row : networks()) {
    SCOPED_TRACE(row.name);
    auto const graph = row.draw({.in = 1, .out = 3, .size = 28});
    auto const stored = to_json(graph);
    auto const back = graph_from(parse_json(pretty(stored), "the graph"));
    EXPECT_EQ(to_json(back), stored);
    auto const image = catalogue_images(1, 1, {28, 28});
    EXPECT_TRUE(at::equal(Network(back, 7)(image), Network(graph, 7)(image)));
  }
}

TEST(EveryNetwork, SaysWhatItsHeadReadsAndWhereItsLastFeaturesAre) {
  for (auto const& row : networks()) {
    SCOPED_TRACE(row.name);
    Network const network{row.draw({.in = 1, .out = 3, .size = 28}), 1};
    auto const& marks = network.graph().marks;
    ASSERT_TRUE(marks.contains("embedding") && marks.contains("features"));
    auto const embedding = marks.at("embedding"), features = marks.at("features");
    auto const image = catalogue_images(2, 1, {28, 28});
    auto const out = network.outputs(image, {embedding, features});
    ASSERT_EQ(out.size(), 3U);
    EXPECT_EQ(out[0].dim(), 2);
    EXPECT_EQ(out[1].dim(), 4);
    EXPECT_EQ(out[0].scalar_type(), at::kFloat);
    EXPECT_LT(catalogue_difference(out[2], network(image)), 1e-4);
  }
}

TEST(EveryNetwork, CanBeDifferentiatedByItsMarksAndItsInput) {
  for (auto const& row : networks()) {
    for (auto const precision : {Precision::float32, Precision::bfloat16}) {
      SCOPED_TRACE(row.name);
      Network network{row.draw({.in = 1, .out = 3, .size = 28}), 1};
      network.execution({precision, Layout::channels_last});
      auto image = catalogue_images(1, 1, {28, 28}).requires_grad_();
      auto const out = network.outputs(image, {network.graph().marks.at("features")}, true);
      out[0].retain_grad();
      out[1].sum().backward();
      ASSERT_TRUE(out[0].grad().defined());
      EXPECT_GT(out[0].grad().abs().max().item<double>(), 0);
      EXPECT_GT(image.grad().abs().max().item<double>(), 0);
    }
  }
}

TEST(EveryNetwork, IsClonedWithWeightsOfItsOwn) {
  for (auto const& row : networks()) {
    SCOPED_TRACE(row.name);
    Network const network{row.draw({.in = 1, .out = 3, .size = 28}), 1};
    auto const image = catalogue_images(1, 1, {28, 28});
    auto const before = network(image);
    auto copy = network.clone();
    EXPECT_TRUE(at::equal(copy(image), before));
    {
      c10::NoGradGuard const no_tape;
      for (auto& parameter : copy.parameters()) parameter.value.add_(0.01);
    }
    EXPECT_FALSE(at::equal(copy(image), before));
    EXPECT_TRUE(at::equal(network(image), before));
  }
}

TEST(EveryNetwork, IsTheSameWithinRoundingInEachPrecisionAndLayout) {
  for (auto const& row : networks()) {
    if (catalogue_repeats(row)) continue;
    Network network{row.draw({.in = 1, .out = 16, .size = 20}), 3};
    catalogue_live(network);
    auto const image = catalogue_images(2, 1, {20, 20});
    auto const plain = network.outputs(image, {}).back();
    for (auto const layout : {Layout::contiguous, Layout::channels_last}) {
      for (auto const precision : {Precision::float32, Precision::bfloat16}) {
        SCOPED_TRACE(testing::Message() << row.name << " " << static_cast<int>(layout)
                                        << static_cast<int>(precision));
        network.execution({precision, layout});
        auto const tolerance = precision == Precision::float32 ? 1e-4 : 0.06;
        EXPECT_LT(catalogue_difference(network(image), plain), tolerance);
        EXPECT_LT(catalogue_difference(network.outputs(image, {}).back(), plain), tolerance);
      }
    }
  }
}

TEST(EveryNetwork, TrainsTheSameWithinRoundingInEachPrecisionAndLayout) {
  for (auto const& row : networks()) {
    if (catalogue_repeats(row)) continue;
    at::manual_seed(5);  // whatever was tested before
    auto const image = catalogue_images(8, 1, {28, 28});
    std::vector<at::Tensor> plain;
    for (auto const how : {Execution{}, Execution{Precision::float32, Layout::channels_last},
                           Execution{Precision::bfloat16, Layout::channels_last}}) {
      SCOPED_TRACE(testing::Message() << row.name << " " << static_cast<int>(how.layout)
                                      << static_cast<int>(how.precision));
      Network network{row.draw({.in = 1, .out = 16, .size = 28}), 3};
      network.execution(how);
      at::manual_seed(1);  // dropout leaves out the same
      auto const out = network.train(image);
      out.square().mean().backward();
      auto const head = network.parameters().back().value.grad();
      if (plain.empty()) plain = {out, head};
      auto const tolerance = how.precision == Precision::float32 ? 1e-3 : 0.3;
      EXPECT_LT(catalogue_difference(out, plain[0]), tolerance);
      EXPECT_LT(catalogue_difference(head, plain[1]), tolerance);
    }
  }
}

TEST(EveryNetwork, NoticesThatItsWeightsHaveChanged) {
  for (auto const& row : networks()) {
    SCOPED_TRACE(row.name);
    Network network{row.draw({.in = 1, .out = 3, .size = 28}), 1};
    auto const image = catalogue_images(1, 1, {28, 28});
    auto const before = network(image);
    {
      c10::NoGradGuard const no_tape;
      network.parameters().back().value.add_(1);
    }
    EXPECT_LT(catalogue_difference(network(image), before + 1), 1e-4);
  }
}

TEST(EveryNetwork, RefusesImagesOfOtherChannelsDimensionsOrTypes) {
  for (auto const& row : networks()) {
    SCOPED_TRACE(row.name);
    Network network{row.draw({.in = 1, .out = 3, .size = 28}), 1};
    EXPECT_THROW(network(catalogue_images(1, 2, {28, 28})), Error);
    EXPECT_THROW(network(catalogue_images(1, 1, {28})), Error);
    EXPECT_THROW(network(catalogue_images(0, 1, {28, 28})), Error);
    EXPECT_THROW(network(catalogue_images(1, 1, {28, 28}).to(at::kByte)), Error);
    EXPECT_THROW(network.train(catalogue_images(1, 2, {28, 28})), Error);
  }
}

TEST(NetworksForVolumes, RunAndLearnInThreeDimensions) {
  for (auto const& row : networks()) {
    if (!row.volumes || catalogue_repeats(row)) continue;
    SCOPED_TRACE(row.name);
    Network network{row.draw({.in = 1, .out = 2, .dimensions = 3, .size = 16}), 1};
    catalogue_live(network);
    auto const volume = catalogue_images(2, 1, {16, 17, 18});
    auto const plain = network.outputs(volume, {}).back();
    EXPECT_EQ(plain.sizes(), (at::IntArrayRef{2, 2}));
    EXPECT_LT(catalogue_difference(network(volume), plain), 1e-4);
    network.execution({Precision::bfloat16, Layout::channels_last});
    EXPECT_LT(catalogue_difference(network(volume), plain), 0.1);
    network.train(volume).sum().backward();
    for (auto const& parameter : network.parameters())
      EXPECT_TRUE(parameter.value.grad().defined()) << parameter.name;
  }
}

TEST(Networks, RefuseAnUnknownNameWithTheNearest) {
  try {
    network_named("resnet81");
    FAIL() << "accepted";
  } catch (Error const& error) {
    EXPECT_EQ(error.fault(), Fault::usage);
    EXPECT_NE(std::string{error.what()}.find("resnet18"), std::string::npos) << error.what();
  }
}

TEST(Network, BeginsTheSameWithTheSameSeed) {
  auto const graph = network_named("small-cnn").draw({.in = 1, .out = 2, .size = 28});
  auto const first = Network{graph, 5}.parameters(), same = Network{graph, 5}.parameters(),
             other = Network{graph, 6}.parameters();
  for (std::size_t i = 0; i < first.size(); ++i)
    EXPECT_TRUE(at::equal(first[i].value, same[i].value)) << first[i].name;
  EXPECT_FALSE(at::equal(first[0].value, other[0].value));
}

TEST(Network, NamesTheNodeThatAnImageIsTooSmallFor) {
  auto const& row = network_named("small-cnn");
  Network const network{row.draw({.in = 1, .out = 2, .size = 28}), 1};
  try {
    network(catalogue_images(1, 1, {5, 5}));
    FAIL() << "accepted";
  } catch (Error const& error) {
    EXPECT_EQ(error.fault(), Fault::input);
    EXPECT_NE(std::string{error.what()}.find("conv2"), std::string::npos) << error.what();
  }
}

}  // namespace fovea
