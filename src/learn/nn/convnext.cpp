#include "base/core/error.hpp"
#include "learn/nn/draw.hpp"
#include "learn/nn/families.hpp"

namespace fovea {
namespace {

constexpr std::int64_t convnext_blocks[] = {3, 3, 9, 3};
constexpr std::int64_t convnext_all_blocks = 18;
constexpr double convnext_depth_rate = 0.1;
constexpr double convnext_epsilon = 1e-6;

std::size_t convnext_norm(Graph& graph, std::size_t from, std::string name) {
  return graph.add("layer_norm", {from}, {{"epsilon", convnext_epsilon}}, std::move(name));
}

std::size_t convnext_block(
    Graph& graph, std::size_t from, std::int64_t width, double rate, std::string const& name) {
  auto at = graph.add("conv", {from},
                      {{"out", width}, {"kernel", 7}, {"padding", 3}, {"groups", width}},
                      name + ".block.0");
  at = convnext_norm(graph, graph.add("channels_last", {at}), name + ".block.2");
  at = graph.add("gelu", {graph.add("linear", {at}, {{"out", 4 * width}, {"begin", "small"}},
                                    name + ".block.3")});
  at = graph.add("linear", {at}, {{"out", width}, {"begin", "small"}}, name + ".block.5");
  at = graph.add("layer_scale", {graph.add("channels_first", {at})}, {{"begin", 1e-6}}, name);
  if (rate > 0) at = graph.add("stochastic_depth", {at}, {{"rate", rate}});
  return graph.add("add", {at, from});
}

}  // namespace

Graph convnext_tiny(Draw const& draw) {
  auto graph = begun("convnext-tiny", draw);
  // The paper's patches of 4 leave a 28-pixel image without a place to look at in the last
  // stage.
  auto const patch = draw.torchvision || draw.size > small_image ? 4
                     : draw.size > small_image / 2               ? 2
                                                                 : 1;
  auto at = graph.add("conv", {0}, {{"out", 96}, {"kernel", patch}, {"stride", patch}},
                      "features.0.0");
  at = convnext_norm(graph, at, "features.0.1");
  int made = 0;
  for (std::size_t stage = 0; stage < std::size(convnext_blocks); ++stage) {
    auto const width = std::int64_t{96} << stage;
    for (std::int64_t block = 0; block < convnext_blocks[stage]; ++block) {
      auto const rate = convnext_depth_rate * made++ / (convnext_all_blocks - 1);
      at = convnext_block(graph, at, width, rate, text("features.", 2 * stage + 1, ".", block));
    }
    if (stage + 1 == std::size(convnext_blocks)) break;
    auto const name = text("features.", 2 * stage + 2);
    at = convnext_norm(graph, at, name + ".0");
    at = graph.add("conv", {at}, {{"out", 2 * width}, {"kernel", 2}, {"stride", 2}},
                   name + ".1");
  }
  graph.marks["features"] = at;
  at = convnext_norm(graph, graph.add("global_avg_pool", {at}), "classifier.0");
  graph.marks["embedding"] = at;
  if (draw.dropout > 0) at = graph.add("dropout", {at}, {{"rate", draw.dropout}});
  graph.add("linear", {at}, {{"out", draw.out}, {"begin", "small"}}, "classifier.2");
  return graph;
}

}  // namespace fovea
