#include "base/core/error.hpp"
#include "learn/nn/draw.hpp"
#include "learn/nn/families.hpp"

namespace fovea {
namespace {

constexpr std::int64_t densenet_growth = 32;
constexpr std::int64_t densenet_blocks[] = {6, 12, 24, 16};

std::size_t densenet_stem(Graph& graph, Draw const& draw) {
  auto const keeps = !draw.torchvision && draw.size <= small_image;
  auto const conv = add_conv(graph, 0, 64, keeps ? 3 : 7, keeps ? 1 : 2, "features.conv0");
  auto const at = add_relu(graph, add_norm(graph, conv, "features.norm0"));
  return keeps ? at
               : graph.add("max_pool", {at}, {{"kernel", 3}, {"stride", 2}, {"padding", 1}});
}

// One layer reads all maps made so far and adds its own behind them.
std::size_t densenet_layer(Graph& graph, std::size_t from, std::string const& name) {
  auto at = add_relu(graph, add_norm(graph, from, name + ".norm1"));
  at = add_conv(graph, at, 4 * densenet_growth, 1, 1, name + ".conv1");
  at = add_relu(graph, add_norm(graph, at, name + ".norm2"));
  at = add_conv(graph, at, densenet_growth, 3, 1, name + ".conv2");
  return graph.add("concat", {from, at});
}

}  // namespace

Graph densenet121(Draw const& draw) {
  auto graph = begun("densenet121", draw);
  auto at = densenet_stem(graph, draw);
  std::int64_t width = 64;
  for (std::size_t block = 0; block < std::size(densenet_blocks); ++block) {
    for (std::int64_t layer = 0; layer < densenet_blocks[block]; ++layer)
      at = densenet_layer(graph, at,
                          text("features.denseblock", block + 1, ".denselayer", layer + 1));
    width += densenet_blocks[block] * densenet_growth;
    if (block + 1 == std::size(densenet_blocks)) break;
    auto const name = text("features.transition", block + 1);
    width /= 2;
    at = add_conv(graph, add_relu(graph, add_norm(graph, at, name + ".norm")), width, 1, 1,
                  name + ".conv");
    at = graph.add("avg_pool", {at}, {{"kernel", 2}, {"stride", 2}});
  }
  add_head(graph, add_relu(graph, add_norm(graph, at, "features.norm5")), draw, draw.dropout,
           "classifier");
  return graph;
}

}  // namespace fovea
