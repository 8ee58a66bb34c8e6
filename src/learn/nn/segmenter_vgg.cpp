#include "base/core/error.hpp"
#include "learn/nn/draw.hpp"
#include "learn/nn/segmenter_parts.hpp"

#include <array>

namespace fovea {
namespace {

// Simonyan and Zisserman's network of 16 layers: convolutions of each stage, a pool behind
// each.
// The paper's first stage has a width of 64, and the others follow.
std::array<std::int64_t, 5> vgg16_widths(SegmentDraw const& draw) {
  auto const w = draw.width > 0 ? draw.width : 64;
  return {w, 2 * w, 4 * w, 8 * w, 8 * w};
}
constexpr std::array<int, 5> vgg16_convs{2, 2, 3, 3, 3};

Graph vgg16_begun(std::string_view name, SegmentDraw const& draw) {
  if (draw.dimensions != 2) refuse_draw("2 dimensions", text(draw.dimensions));
  return begun_segmenter(name, draw);
}

std::size_t vgg16_pool(Graph& graph, std::size_t from) {
  return graph.add("max_pool", {from}, {{"kernel", 2}, {"stride", 2}});
}

std::size_t vgg16_conv(
    Graph& graph, std::size_t from, std::int64_t out, std::int64_t kernel, std::string name) {
  return graph.add("conv", {from}, {{"out", out}, {"kernel", kernel}, {"padding", kernel / 2}},
                   std::move(name));
}

std::size_t segnet_unit(Graph& graph,
                        std::size_t from,
                        std::int64_t out,
                        std::string const& name) {
  auto const at = vgg16_conv(graph, from, out, 3, name + ".conv");
  return add_relu(graph, add_norm(graph, at, name + ".norm"));
}

}  // namespace

Graph fcn8s(SegmentDraw const& draw) {
  auto graph = vgg16_begun("fcn-8s", draw);
  auto const widths = vgg16_widths(draw);
  std::array<std::size_t, 5> pools{};
  std::size_t at = 0;
  int index = 0;  // torchvision's, which counts ReLU and pools too
  for (std::size_t stage = 0; stage < pools.size(); ++stage) {
    for (int i = 0; i < vgg16_convs[stage]; ++i) {
      at = add_relu(graph, vgg16_conv(graph, at, widths[stage], 3, text("features.", index)));
      index += 2;
    }
    at = pools[stage] = vgg16_pool(graph, at);
    ++index;
  }
  graph.marks["bottleneck"] = at;
  for (auto const& [name, kernel] : {std::pair{"fc6", std::int64_t{7}}, {"fc7", 1}}) {
    at = add_relu(graph, vgg16_conv(graph, at, 64 * widths[0], kernel, name));
    at = graph.add("dropout", {at}, {{"rate", draw.dropout.value_or(0.5)}});
  }
  graph.marks["features"] = graph.marks["embedding"] = at;
  at = vgg16_conv(graph, at, draw.out, 1, "score7");
  for (auto const& [name, pool] : {std::pair{"score4", pools[3]}, {"score3", pools[2]}}) {
    auto const fine = vgg16_conv(graph, pool, draw.out, 1, name);
    at = graph.add("add", {graph.add("resize_like", {at, fine}), fine});
  }
  graph.add("resize_like", {at, 0});
  return graph;
}

Graph segnet(SegmentDraw const& draw) {
  auto graph = vgg16_begun("segnet", draw);
  auto const widths = vgg16_widths(draw);
  std::array<std::size_t, 5> before{};  // each pool
  std::size_t at = 0;
  for (std::size_t stage = 0; stage < before.size(); ++stage) {
    for (int i = 0; i < vgg16_convs[stage]; ++i)
      at = segnet_unit(graph, at, widths[stage], text("encoder.", stage, ".", i));
    before[stage] = at;
    at = vgg16_pool(graph, at);
  }
  graph.marks["bottleneck"] = at;
  for (auto stage = before.size(); stage-- > 0;) {
    at = graph.add("max_unpool", {at, before[stage]}, {{"kernel", 2}, {"stride", 2}});
    for (int i = 0; i < vgg16_convs[stage]; ++i) {
      auto const last = i + 1 == vgg16_convs[stage];
      auto const name = text("decoder.", stage, ".", i);
      if (last && stage == 0) {
        graph.marks["features"] = graph.marks["embedding"] = at;
        vgg16_conv(graph, at, draw.out, 3, name + ".conv");
      } else {
        auto const width = last ? widths[stage - 1] : widths[stage];
        at = segnet_unit(graph, at, width, name);
      }
    }
  }
  return graph;
}

}  // namespace fovea
