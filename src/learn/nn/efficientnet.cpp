#include "base/core/error.hpp"
#include "learn/nn/draw.hpp"
#include "learn/nn/families.hpp"

#include <algorithm>

namespace fovea {
namespace {

struct EfficientNetStage {
  std::int64_t expand, kernel, stride, out, blocks;
};
constexpr EfficientNetStage efficientnet_stages[] = {
    {1, 3, 1, 16, 1},  {6, 3, 2, 24, 2},  {6, 5, 2, 40, 2},  {6, 3, 2, 80, 3},
    {6, 5, 1, 112, 3}, {6, 5, 2, 192, 4}, {6, 3, 1, 320, 1},
};
constexpr int efficientnet_all_blocks = 16;
constexpr double efficientnet_depth_rate = 0.2;
constexpr double efficientnet_dropout = 0.2;

struct EfficientNetConv {
  std::int64_t out, kernel = 1, stride = 1, groups = 1;
};

std::size_t efficientnet_conv(Graph& graph,
                              std::size_t from,
                              EfficientNetConv const& c,
                              std::string const& name) {
  auto const at = graph.add("conv", {from},
                            {{"out", c.out},
                             {"kernel", c.kernel},
                             {"stride", c.stride},
                             {"padding", c.kernel / 2},
                             {"groups", c.groups},
                             {"bias", 0}},
                            name + ".0");
  return add_norm(graph, at, name + ".1");
}

// Squeeze and excitation (Hu et al., CVPR 2018): a gate for each channel from the means of all.
std::size_t efficientnet_gate(Graph& graph,
                              std::size_t from,
                              std::int64_t width,
                              std::int64_t squeezed,
                              std::string const& name) {
  auto at = graph.add("adaptive_avg_pool", {from}, {{"size", 1}});
  at = graph.add("silu",
                 {graph.add("conv", {at}, {{"out", squeezed}, {"kernel", 1}}, name + ".fc1")});
  at = graph.add("sigmoid",
                 {graph.add("conv", {at}, {{"out", width}, {"kernel", 1}}, name + ".fc2")});
  return graph.add("mul", {from, at});
}

struct EfficientNetBlock {
  EfficientNetStage stage;
  std::int64_t in;
  double rate;  // of stochastic depth
};

std::size_t efficientnet_block(Graph& graph,
                               std::size_t from,
                               EfficientNetBlock const& b,
                               std::string const& name) {
  auto const width = b.in * b.stage.expand;
  int part = 0;
  auto const next = [&] { return text(name, ".block.", part++); };
  auto at = from;
  if (b.stage.expand > 1)
    at = graph.add("silu", {efficientnet_conv(graph, at, {.out = width}, next())});
  EfficientNetConv const depthwise{width, b.stage.kernel, b.stage.stride, width};
  at = graph.add("silu", {efficientnet_conv(graph, at, depthwise, next())});
  at = efficientnet_gate(graph, at, width, std::max<std::int64_t>(1, b.in / 4), next());
  at = efficientnet_conv(graph, at, {.out = b.stage.out}, next());
  if (b.stage.stride != 1 || b.in != b.stage.out) return at;
  if (b.rate > 0) at = graph.add("stochastic_depth", {at}, {{"rate", b.rate}});
  return graph.add("add", {at, from});
}

}  // namespace

Graph efficientnet_b0(Draw const& draw) {
  auto graph = begun("efficientnet-b0", draw);
  // Two of the five halvings are left out for small images.
  auto const keeps = !draw.torchvision && draw.size <= small_image;
  auto at = graph.add(
      "silu", {efficientnet_conv(graph, 0, {.out = 32, .kernel = 3, .stride = keeps ? 1 : 2},
                                 "features.0")});
  std::int64_t in = 32;
  int made = 0;
  for (std::size_t s = 0; s < std::size(efficientnet_stages); ++s) {
    auto stage = efficientnet_stages[s];
    if (keeps && s == 1) stage.stride = 1;
    for (std::int64_t block = 0; block < stage.blocks; ++block) {
      auto const rate = efficientnet_depth_rate * made++ / efficientnet_all_blocks;
      at = efficientnet_block(graph, at, {stage, in, rate},
                              text("features.", s + 1, ".", block));
      in = stage.out;
      stage.stride = 1;
    }
  }
  at = graph.add("silu", {efficientnet_conv(graph, at, {.out = 1280}, "features.8")});
  add_head(graph, at, draw, draw.dropout > 0 ? draw.dropout : efficientnet_dropout,
           "classifier.1");
  return graph;
}

}  // namespace fovea
