#include "base/core/error.hpp"
#include "learn/nn/draw.hpp"
#include "learn/nn/families.hpp"

#include <algorithm>

namespace fovea {
namespace {

constexpr std::int64_t vgg_pool = 0;
constexpr std::int64_t vgg_plan[] = {64,  vgg_pool, 128,      vgg_pool, 256, 256,     vgg_pool,
                                     512, 512,      vgg_pool, 512,      512, vgg_pool};

}  // namespace

Graph vgg11(Draw const& draw) {
  auto graph = begun("vgg11", draw);
  auto const small = !draw.torchvision && draw.size <= small_image;
  std::size_t at = 0;
  auto side = draw.torchvision ? std::int64_t{224} : draw.size;
  int index = 0;  // torchvision's, which counts ReLU and pools too
  for (auto const width : vgg_plan) {
    if (width != vgg_pool) {
      at = graph.add("conv", {at}, {{"out", width}, {"kernel", 3}, {"padding", 1}},
                     text("features.", index));
      at = add_relu(graph, at);
    } else if (!small || side >= 4) {
      at = graph.add("max_pool", {at}, {{"kernel", 2}, {"stride", 2}});
      side /= 2;
    }
    index += width == vgg_pool ? 1 : 2;
  }
  graph.marks["features"] = at;
  // A volume has so many places that the paper's grid of 7 would need billions of weights.
  auto const most = std::int64_t{draw.dimensions == 2 ? 7 : 2};
  at =
      graph.add("adaptive_avg_pool", {at}, {{"size", std::clamp<std::int64_t>(side, 1, most)}});
  at = graph.add("flatten", {at});
  auto const dropout = draw.dropout > 0 ? draw.dropout : 0.5;
  for (auto const* const name : {"classifier.0", "classifier.3"}) {
    at = graph.add("linear", {at}, {{"out", std::int64_t{small ? 512 : 4096}}, {"begin", "he"}},
                   name);
    at = add_relu(graph, at);
    graph.marks["embedding"] = at;
    at = graph.add("dropout", {at}, {{"rate", dropout}});
  }
  graph.add("linear", {at}, {{"out", draw.out}}, "classifier.6");
  return graph;
}

}  // namespace fovea
