#include "base/core/error.hpp"
#include "learn/nn/draw.hpp"
#include "learn/nn/resnet_stages.hpp"

namespace fovea {
namespace {

// What a block changes: its first convolution of 3 x 3 has the stride.
struct ResNetStep {
  std::int64_t width, stride = 1, dilation = 1;
  bool widens = false;  // the short way has a convolution
};

std::size_t resnet_conv3(Graph& graph,
                         std::size_t from,
                         ResNetStep const& step,
                         std::int64_t stride,
                         std::string name) {
  auto const at = add_conv(graph, from, step.width, 3, stride, std::move(name));
  if (step.dilation > 1) {
    graph.nodes[at].options["dilation"] = step.dilation;
    graph.nodes[at].options["padding"] = step.dilation;
  }
  return at;
}

std::size_t resnet_joined(Graph& graph,
                          std::size_t at,
                          std::size_t from,
                          std::int64_t out,
                          ResNetStep const& step,
                          std::string const& name) {
  auto skip = from;
  if (step.widens)
    skip = add_norm(graph, add_conv(graph, from, out, 1, step.stride, name + ".downsample.0"),
                    name + ".downsample.1");
  return add_relu(graph, graph.add("add", {at, skip}));
}

std::size_t resnet_block(Graph& graph,
                         std::size_t from,
                         ResNetStep const& step,
                         std::string const& name) {
  auto at = resnet_conv3(graph, from, step, step.stride, name + ".conv1");
  at = add_relu(graph, add_norm(graph, at, name + ".bn1"));
  at = add_norm(graph, resnet_conv3(graph, at, step, 1, name + ".conv2"), name + ".bn2");
  return resnet_joined(graph, at, from, step.width, step, name);
}

std::size_t resnet_bottleneck(Graph& graph,
                              std::size_t from,
                              ResNetStep const& step,
                              std::string const& name) {
  auto at = add_relu(
      graph,
      add_norm(graph, add_conv(graph, from, step.width, 1, 1, name + ".conv1"), name + ".bn1"));
  at = add_relu(graph,
                add_norm(graph, resnet_conv3(graph, at, step, step.stride, name + ".conv2"),
                         name + ".bn2"));
  at = add_norm(graph, add_conv(graph, at, 4 * step.width, 1, 1, name + ".conv3"),
                name + ".bn3");
  return resnet_joined(graph, at, from, 4 * step.width, step, name);
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

std::vector<std::size_t> add_resnet_stages(Graph& graph,
                                           std::size_t at,
                                           ResNet const& options,
                                           std::vector<bool> const& dilated,
                                           std::string const& prefix) {
  std::vector<std::size_t> ends;
  std::int64_t dilation = 1;
  for (std::size_t stage = 0; stage < options.blocks.size(); ++stage) {
    auto const spreads = stage < dilated.size() && dilated[stage];
    auto const before = dilation;
    if (spreads) dilation *= 2;
    for (std::int64_t block = 0; block < options.blocks[stage]; ++block) {
      auto const first = block == 0;
      ResNetStep const step{.width = options.width << stage,
                            .stride = first && stage > 0 && !spreads ? 2 : 1,
                            .dilation = first ? before : dilation,
                            .widens = first && (stage > 0 || options.bottleneck)};
      auto const where = text(prefix, "layer", stage + 1, ".", block);
      at = options.bottleneck ? resnet_bottleneck(graph, at, step, where)
                              : resnet_block(graph, at, step, where);
    }
    ends.push_back(at);
  }
  return ends;
}

Graph resnet(std::string_view name, Draw const& draw, ResNet const& options) {
  auto graph = begun(name, draw);
  auto const at = add_resnet_stages(graph, resnet_stem(graph, draw), options, {}, "").back();
  add_head(graph, at, draw, draw.dropout, "fc");
  return graph;
}

}  // namespace fovea
