#include "base/core/error.hpp"
#include "learn/nn/draw.hpp"
#include "learn/nn/families.hpp"

namespace fovea {
namespace {

// Norm and activation come first, so that the sum travels untouched from stage to stage.
std::size_t resnet_small_block(Graph& graph,
                               std::size_t from,
                               std::int64_t width,
                               std::int64_t stride,
                               bool widens,
                               std::string const& name) {
  auto const open = add_relu(graph, add_norm(graph, from, name + ".bn1"));
  auto at = add_conv(graph, open, width, 3, stride, name + ".conv1");
  at = add_conv(graph, add_relu(graph, add_norm(graph, at, name + ".bn2")), width, 3, 1,
                name + ".conv2");
  auto const skip = widens ? add_conv(graph, open, width, 1, stride, name + ".shortcut") : from;
  return graph.add("add", {at, skip});
}

}  // namespace

Graph resnet_small(Draw const& draw, ResNetSmall const& options) {
  auto graph = begun("resnet-small", draw);
  auto at = draw.size <= small_image ? add_conv(graph, 0, options.width, 3, 1, "conv1")
                                     : add_conv(graph, 0, options.width, 7, 2, "conv1");
  if (draw.size > small_image)
    at = graph.add("max_pool", {at}, {{"kernel", 3}, {"stride", 2}, {"padding", 1}});
  for (std::int64_t stage = 0; stage < options.stages; ++stage) {
    for (std::int64_t block = 0; block < options.blocks; ++block) {
      auto const first = block == 0 && stage > 0;
      at = resnet_small_block(graph, at, options.width << stage, first ? 2 : 1, first,
                              text("layer", stage + 1, ".", block));
    }
  }
  add_head(graph, add_relu(graph, add_norm(graph, at, "bn_last")), draw, draw.dropout, "fc");
  return graph;
}

}  // namespace fovea
