// What every network for segmentation promises. A new row in segmenters.cpp is tested here for
// free.
#include "learn/nn/segmenter.hpp"

#include "base/core/error.hpp"
#include "base/core/file.hpp"
#include "learn/nn/ops.hpp"
#include "learn/nn/test_segmenters.hpp"
#include "learn/nn/torchscript.hpp"

#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/einsum.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/randn.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <functional>

namespace fovea {
namespace {

double segmenter_difference(at::Tensor const& a, at::Tensor const& b) {
  return ((a - b).norm() / b.norm()).item<double>();
}

}  // namespace

TEST(EverySegmenter, GivesLogitsOnTheGridOfItsInput) {
  each_segmenter([](SegmenterRow const& row, SegmentDraw const& draw) {
    EXPECT_EQ(&segmenter_named(row.name), &row);
    EXPECT_FALSE(row.paper.empty());
    auto const graph = row.draw(draw);
    auto shape = segmenter_shape(graph);
    auto const image = at::randn(shape);
    Network network{graph, 1};
    auto const plain = network.outputs(image, {}).back();
    shape[1] = 3;
    EXPECT_EQ(plain.sizes(), at::IntArrayRef(shape));
    EXPECT_LT(segmenter_difference(network(image), plain), 1e-4);
    for (auto const layout : {Layout::contiguous, Layout::channels_last}) {
      network.execution({Precision::bfloat16, layout});
      // Of values that become equal SegNet may take another one's place.
      EXPECT_LT(segmenter_difference(network(image), plain), row.name == "segnet" ? 1 : 0.1);
    }
    network.execution({Precision::float32, Layout::channels_last});
    EXPECT_LT(segmenter_difference(network(image), plain), 1e-4);
  });
}

TEST(EverySegmenter, LearnsWithEveryParameterInEachPrecision) {
  each_segmenter([](SegmenterRow const& row, SegmentDraw const& draw) {
    auto const graph = row.draw(draw);
    auto shape = segmenter_shape(graph);
    // Batch norm over the two values that a pooled image leaves would be a sign.
    if (!row.volumes) shape[0] = 8;
    at::manual_seed(5);
    auto const image = at::randn(shape);
    std::vector<at::Tensor> plain;
    for (auto const how : {Execution{}, Execution{Precision::float32, Layout::channels_last},
                           Execution{Precision::bfloat16, Layout::channels_last}}) {
      Network network{graph, 1};
      network.execution(how);
      auto const all = network.train_all(image);
      EXPECT_EQ(all.size(), deep_heads(graph).size() + 1);
      auto loss = all[0].square().mean();
      for (std::size_t i = 1; i < all.size(); ++i) loss = loss + all[i].square().mean();
      loss.backward();
      for (auto const& parameter : network.parameters()) {
        ASSERT_TRUE(parameter.value.grad().defined()) << parameter.name;
        EXPECT_TRUE(parameter.value.grad().isfinite().all().item<bool>()) << parameter.name;
      }
      auto const first = network.parameters().front().value.grad().contiguous();
      if (plain.empty()) plain = {all[0], first};
      if (how.precision == Precision::bfloat16) continue;
      EXPECT_LT(segmenter_difference(all[0], plain[0]), 1e-3);
      // Through many batch norms over few values.
      EXPECT_LT(segmenter_difference(first, plain[1]), row.volumes ? 0.02 : 0.1);
    }
  });
}

TEST(EverySegmenter, HasMarksAndComesBackFromItsJson) {
  each_segmenter([](SegmenterRow const& row, SegmentDraw const& draw) {
    auto const graph = row.draw(draw);
    for (auto const* const mark : {"features", "embedding", "bottleneck"})
      EXPECT_TRUE(graph.marks.contains(mark)) << mark;
    EXPECT_EQ(deep_heads(graph).empty(), !draw.deep_supervision);
    auto const back = graph_from(parse_json(pretty(to_json(graph)), "the graph"));
    EXPECT_EQ(to_json(back), to_json(graph));
    EXPECT_EQ(size_steps(back), size_steps(graph));
  });
}

TEST(EverySegmenter, GivesItsFeaturesAndItsLastLayerApart) {
  each_segmenter([](SegmenterRow const& row, SegmentDraw const& draw) {
    Network network{row.draw(draw), 1};
    auto const head = network.head();
    if (!head) return;
    EXPECT_EQ(head->bias.sizes(), at::IntArrayRef{3});
    auto const image = at::randn(segmenter_shape(network.graph()));
    auto const features = network.features(image);
    auto const flat = at::einsum("oc,bcv->bov", {head->weight, features.flatten(2)}) +
                      head->bias.unsqueeze(1);
    EXPECT_LT(segmenter_difference(flat, network(image).flatten(2)), 1e-4);
    network.execution({Precision::bfloat16, Layout::channels_last});
    EXPECT_EQ(network.features(image).scalar_type(), at::kBFloat16);
  });
}

TEST(EverySegmenter, SaysItselfAsTorchscriptThatGivesTheSameOutputsForSeveralSizes) {
  ScratchFolder const scratch;
  each_segmenter([&](SegmenterRow const& row, SegmentDraw const& draw) {
    Network const network{row.draw(draw), 1};
    write_file(scratch.path() / "model.ts", torchscript_of(network));
    ForeignModule const loaded{scratch.path() / "model.ts"};
    for (auto const times : {1, 2, 3}) {
      auto const image = at::randn(segmenter_shape(network.graph(), times));
      EXPECT_LT(segmenter_difference(loaded(image), network.outputs(image, {}).back()), 1e-4);
    }
  });
}

TEST(EverySegmenter, CanBeDrawnAsThePaperHasItAndBeCounted) {
  each_segmenter([](SegmenterRow const& row, SegmentDraw draw) {
    draw.levels.clear();
    draw.width = 0;
    auto const graph = row.draw(draw);
    std::vector<std::int64_t> size;
    for (auto const step : size_steps(graph)) size.push_back(step * (64 / step + 1));
    auto const cost = cost_of(graph, size);
    EXPECT_GT(cost.multiply_adds, 5e7);
    EXPECT_GT(cost.parameters, 100'000);
    EXPECT_EQ(shapes_of(graph, size).back().size, size);
  });
}

TEST(DeepSupervision, RunsItsHeadsInTrainingOnly) {
  auto const& row = segmenter_named("nnunet");
  auto draw = segmenter_draw(row, 3);
  auto const deep = row.draw(draw);
  draw.deep_supervision = false;
  auto const plain = row.draw(draw);
  EXPECT_GT(deep.nodes.size(), plain.nodes.size());
  auto const with = cost_of(deep, {16, 16, 16}), without = cost_of(plain, {16, 16, 16});
  EXPECT_EQ(with.multiply_adds, without.multiply_adds);
  EXPECT_EQ(with.parameters, without.parameters + 3 * 16 + 3);

  Network network{deep, 1};
  auto const all = network.train_all(at::randn({1, 2, 16, 16, 16}));
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].sizes(), (at::IntArrayRef{1, 3, 16, 16, 16}));
  EXPECT_EQ(all[1].sizes(), (at::IntArrayRef{1, 3, 8, 8, 8}));
  // Heads that do not run get no gradient.
  network.train(at::randn({1, 2, 16, 16, 16})).sum().backward();
  for (auto const& parameter : network.parameters())
    EXPECT_EQ(parameter.value.grad().defined(),
              !parameter.name.starts_with("decoder.seg_layers.0"))
        << parameter.name;
}

TEST(NnUNet, BeginsAsItsAuthorsHaveIt) {
  auto const& row = segmenter_named("nnunet-resenc");
  Network const network{row.draw({.in = 1, .out = 3, .dimensions = 3}), 1};
  for (auto const& parameter : network.parameters()) {
    auto const& value = parameter.value;
    if (parameter.name.ends_with("bias")) {
      EXPECT_EQ(value.abs().max().item<double>(), 0) << parameter.name;
    } else if (parameter.name.ends_with("norm.weight")) {
      auto const last = parameter.name.find("conv2.norm") != std::string::npos;
      EXPECT_TRUE((value == (last ? 0 : 1)).all().item<bool>()) << parameter.name;
    } else if (value.numel() > 50'000) {
      auto const fan_in = static_cast<double>(value.numel() / value.size(0));
      EXPECT_NEAR(value.std().item<double>() / std::sqrt(2 / (1 + 1e-4) / fan_in), 1, 0.02)
          << parameter.name;
    }
  }
}

TEST(SizeSteps, FollowTheStridesOfEachAxis) {
  auto const& row = segmenter_named("nnunet");
  SegmentDraw draw{.dimensions = 3,
                   .levels = {{.features = 4},
                              {.features = 4, .stride = {1, 2, 2}},
                              {.features = 4, .stride = {2, 2, 2}},
                              {.features = 4, .stride = {1, 3, 2}}}};
  EXPECT_EQ(size_steps(row.draw(draw)), (std::vector<std::int64_t>{2, 12, 8}));
}

TEST(Segmenters, RefuseWhatTheyCannotBeDrawnFrom) {
  auto const refused = [](std::string_view network, SegmentDraw const& draw,
                          std::string_view word) {
    try {
      segmenter_named(network).draw(draw);
      ADD_FAILURE() << "accepted: " << word;
    } catch (Error const& error) {
      EXPECT_EQ(error.fault(), Fault::usage);
      EXPECT_NE(std::string{error.what()}.find(word), std::string::npos) << error.what();
    }
  };
  auto const with = [](std::function<void(SegmentDraw&)> const& change) {
    SegmentDraw draw{.levels = {{.features = 8}, {.features = 16, .stride = {2, 2, 2}}}};
    change(draw);
    return draw;
  };
  refused("nnunet", with([](auto& d) { d.dimensions = 4; }), "dimensions");
  refused("nnunet", with([](auto& d) { d.in = 0; }), "channel");
  refused("nnunet", with([](auto& d) { d.out = 0; }), "class");
  refused("nnunet", with([](auto& d) { d.levels.resize(1); }), "levels");
  refused("nnunet", with([](auto& d) { d.levels.resize(17); }), "levels");
  refused("nnunet", with([](auto& d) { d.levels[0].features = 0; }), "feature");
  refused("nnunet", with([](auto& d) { d.levels[0].blocks = 0; }), "blocks");
  refused("nnunet", with([](auto& d) { d.levels[1].stride = {2, 2}; }), "stride");
  refused("nnunet", with([](auto& d) { d.levels[1].stride = {2, 0, 2}; }), "stride");
  refused("nnunet", with([](auto& d) { d.levels[1].kernel = {2, 3, 3}; }), "odd");
  refused("nnunet", with([](auto& d) { d.levels[0].stride = {2, 2, 2}; }), "first level");
  refused("segresnet", with([](auto& d) { d.levels[0].features = 12; }), "multiples of 8");
  EXPECT_THROW(segmenter_named("nnunett"), Error);
}

}  // namespace fovea
