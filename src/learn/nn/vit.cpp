#include "base/core/error.hpp"
#include "learn/nn/draw.hpp"
#include "learn/nn/families.hpp"

#include <algorithm>

namespace fovea {
namespace {

constexpr std::int64_t vit_layers = 12;
constexpr std::int64_t vit_heads = 6;
constexpr std::int64_t vit_width = 384;
constexpr double vit_epsilon = 1e-6;

std::size_t vit_norm(Graph& graph, std::size_t from, std::string name) {
  return graph.add("layer_norm", {from}, {{"epsilon", vit_epsilon}}, std::move(name));
}

std::size_t vit_layer(Graph& graph, std::size_t from, std::string const& name) {
  auto at = vit_norm(graph, from, name + ".ln_1");
  at = graph.add("attention", {at}, {{"heads", vit_heads}}, name + ".self_attention");
  auto const seen = graph.add("add", {at, from});
  at = vit_norm(graph, seen, name + ".ln_2");
  at =
      graph.add("gelu", {graph.add("linear", {at}, {{"out", 4 * vit_width}}, name + ".mlp.0")});
  at = graph.add("linear", {at}, {{"out", vit_width}}, name + ".mlp.3");
  return graph.add("add", {seen, at});
}

std::int64_t vit_patch(Draw const& draw) {
  if (draw.torchvision || draw.size > 128) return 16;
  return draw.size > small_image ? 8 : 4;
}

}  // namespace

Graph vit_small(Draw const& draw) {
  auto graph = begun("vit-small", draw);
  auto const patch = vit_patch(draw);
  auto const grid = std::max<std::int64_t>(1, draw.size / patch);
  auto const patches = graph.add(
      "conv", {0}, {{"out", vit_width}, {"kernel", patch}, {"stride", patch}}, "conv_proj");
  graph.marks["features"] = patches;
  auto at = graph.add("class_token", {graph.add("tokens", {patches})});
  at = graph.add("position", {at, patches}, {{"grid", grid}, {"extra", 1}}, "encoder");
  for (std::int64_t layer = 0; layer < vit_layers; ++layer)
    at = vit_layer(graph, at, text("encoder.layers.encoder_layer_", layer));
  at = graph.add("select_token", {vit_norm(graph, at, "encoder.ln")}, {{"index", 0}});
  graph.marks["embedding"] = at;
  if (draw.dropout > 0) at = graph.add("dropout", {at}, {{"rate", draw.dropout}});
  graph.add("linear", {at}, {{"out", draw.out}}, "heads.head");
  return graph;
}

}  // namespace fovea
