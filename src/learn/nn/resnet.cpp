#include "base/core/error.hpp"
#include "learn/nn/draw.hpp"
#include "learn/nn/families.hpp"

namespace fovea {
namespace {

std::size_t resnet_block(Graph& graph,
                         std::size_t from,
                         std::int64_t width,
                         std::int64_t stride,
                         bool widens,
                         std::string const& name) {
  auto at = add_conv(graph, from, width, 3, stride, name + ".conv1");
  at = add_relu(graph, add_norm(graph, at, name + ".bn1"));
  at = add_norm(graph, add_conv(graph, at, width, 3, 1, name + ".conv2"), name + ".bn2");
  auto skip = from;
  if (widens)
    skip = add_norm(graph, add_conv(graph, from, width, 1, stride, name + ".downsample.0"),
                    name + ".downsample.1");
  return add_relu(graph, graph.add("add", {at, skip}));
}

std::size_t resnet_bottleneck(Graph& graph,
                              std::size_t from,
                              std::int64_t width,
                              std::int64_t stride,
                              bool widens,
                              std::string const& name) {
  auto at = add_relu(graph, add_norm(graph, add_conv(graph, from, width, 1, 1, name + ".conv1"),
                                     name + ".bn1"));
  at = add_relu(graph, add_norm(graph, add_conv(graph, at, width, 3, stride, name + ".conv2"),
                                name + ".bn2"));
  at = add_norm(graph, add_conv(graph, at, 4 * width, 1, 1, name + ".conv3"), name + ".bn3");
  auto skip = from;
  if (widens)
    skip = add_norm(graph, add_conv(graph, from, 4 * width, 1, stride, name + ".downsample.0"),
                    name + ".downsample.1");
  return add_relu(graph, graph.add("add", {at, skip}));
}

std::size_t resnet_stem(Graph& graph, Draw const& draw) {
  // A 28-pixel image would reach the last stage as a single pixel after the paper's stem.
  auto const keeps = !draw.torchvision && draw.size <= small_image;
  auto const conv =
      keeps ? add_conv(graph, 0, 64, 3, 1, "conv1") : add_conv(graph, 0, 64, 7, 2, "conv1");
  auto const at = add_relu(graph, add_norm(graph, conv, "bn1"));
  return keeps ? at
               : graph.add("max_pool", {at}, {{"kernel", 3}, {"stride", 2}, {"padding", 1}});
}

}  // namespace

Graph resnet(std::string_view name, Draw const& draw, ResNet const& options) {
  auto graph = begun(name, draw);
  auto at = resnet_stem(graph, draw);
  for (std::size_t stage = 0; stage < options.blocks.size(); ++stage) {
    auto const width = std::int64_t{64} << stage;
    for (std::int64_t block = 0; block < options.blocks[stage]; ++block) {
      auto const stride = block == 0 && stage > 0 ? 2 : 1;
      auto const widens = block == 0 && (stage > 0 || options.bottleneck);
      auto const where = text("layer", stage + 1, ".", block);
      at = options.bottleneck ? resnet_bottleneck(graph, at, width, stride, widens, where)
                              : resnet_block(graph, at, width, stride, widens, where);
    }
  }
  add_head(graph, at, draw, draw.dropout, "fc");
  return graph;
}

}  // namespace fovea
