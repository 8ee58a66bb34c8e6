#include "learn/nn/draw.hpp"

#include "base/core/error.hpp"

namespace fovea {

Graph begun(std::string_view name, Draw const& draw) {
  Graph graph;
  graph.drawn_by = text(name, " in=", draw.in, " out=", draw.out,
                        " dimensions=", draw.dimensions, " size=", draw.size,
                        " dropout=", draw.dropout, draw.torchvision ? " torchvision" : "");
  if (draw.dimensions != 2 && draw.dimensions != 3)
    throw Error{Fault::usage, text("expected 2 or 3 dimensions, got ", draw.dimensions),
                "draw it for images or volumes"};
  if (draw.torchvision && draw.dimensions != 2)
    throw Error{Fault::usage, "torchvision's networks are for images",
                "draw it with dimensions 2"};
  graph.add("input", {},
            {{"channels", draw.in}, {"dimensions", std::int64_t{draw.dimensions}}});
  return graph;
}

std::size_t add_conv(Graph& graph,
                     std::size_t from,
                     std::int64_t out,
                     std::int64_t kernel,
                     std::int64_t stride,
                     std::string name) {
  return graph.add("conv", {from},
                   {{"out", out},
                    {"kernel", kernel},
                    {"stride", stride},
                    {"padding", kernel / 2},
                    {"bias", 0}},
                   std::move(name));
}

std::size_t add_norm(Graph& graph, std::size_t from, std::string name) {
  return graph.add("batch_norm", {from}, {}, std::move(name));
}

std::size_t add_relu(Graph& graph, std::size_t from) {
  return graph.add("relu", {from});
}

void add_head(
    Graph& graph, std::size_t features, Draw const& draw, double dropout, std::string name) {
  graph.marks["features"] = features;
  auto at = graph.add("global_avg_pool", {features});
  graph.marks["embedding"] = at;
  if (dropout > 0) at = graph.add("dropout", {at}, {{"rate", dropout}});
  graph.add("linear", {at}, {{"out", draw.out}}, std::move(name));
}

}  // namespace fovea
