#include "base/core/error.hpp"
#include "learn/nn/draw.hpp"
#include "learn/nn/families.hpp"

#include <algorithm>

namespace fovea {

Graph small_cnn(Draw const& draw, SmallCnn const& options) {
  auto graph = begun("small-cnn", draw);
  std::size_t at = 0;
  auto side = draw.size;
  for (std::size_t i = 0; i < options.widths.size(); ++i) {
    at = graph.add("conv", {at}, {{"out", options.widths[i]}, {"kernel", 3}},
                   text("conv", i + 1));
    at = graph.add("max_pool", {add_relu(graph, at)}, {{"kernel", 2}, {"stride", 2}});
    side = (side - 2) / 2;
  }
  graph.marks["features"] = at;
  at = graph.add("adaptive_avg_pool", {at}, {{"size", std::max<std::int64_t>(side, 1)}});
  at = graph.add("linear", {graph.add("flatten", {at})},
                 {{"out", options.dense}, {"begin", "he"}}, "dense1");
  at = add_relu(graph, at);
  graph.marks["embedding"] = at;
  if (draw.dropout > 0) at = graph.add("dropout", {at}, {{"rate", draw.dropout}});
  graph.add("linear", {at}, {{"out", draw.out}}, "dense2");
  return graph;
}

}  // namespace fovea
