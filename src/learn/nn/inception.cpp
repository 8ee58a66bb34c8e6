#include "base/core/error.hpp"
#include "learn/nn/draw.hpp"
#include "learn/nn/families.hpp"

namespace fovea {
namespace {

using InceptionList = std::vector<std::int64_t>;

struct InceptionConv {
  std::string name;
  std::int64_t out;
  InceptionList kernel{1, 1};
  std::int64_t stride = 1;
  InceptionList padding{0, 0};
};

InceptionConv inception_same(std::string name,
                             std::int64_t out,
                             std::int64_t j,
                             std::int64_t i) {
  return {std::move(name), out, {j, i}, 1, {j / 2, i / 2}};
}

std::size_t inception_conv(Graph& graph,
                           std::size_t from,
                           std::string const& where,
                           InceptionConv const& c) {
  auto const name = where + c.name;
  auto const at = graph.add("conv", {from},
                            {{"out", c.out},
                             {"kernel", c.kernel},
                             {"stride", c.stride},
                             {"padding", c.padding},
                             {"bias", 0}},
                            name + ".conv");
  return add_relu(graph, graph.add("batch_norm", {at}, {{"epsilon", 0.001}}, name + ".bn"));
}

std::size_t inception_chain(Graph& graph,
                            std::size_t from,
                            std::string const& where,
                            std::vector<InceptionConv> const& convs) {
  for (auto const& conv : convs) from = inception_conv(graph, from, where, conv);
  return from;
}

std::size_t inception_pooled(Graph& graph,
                             std::size_t from,
                             std::string const& where,
                             std::int64_t out) {
  auto const pooled =
      graph.add("avg_pool", {from}, {{"kernel", 3}, {"stride", 1}, {"padding", 1}});
  return inception_conv(graph, pooled, where, {"branch_pool", out});
}

std::size_t inception_a(Graph& graph,
                        std::size_t x,
                        std::string const& where,
                        std::int64_t pool) {
  auto const one = inception_conv(graph, x, where, {"branch1x1", 64});
  auto const five = inception_chain(
      graph, x, where, {{"branch5x5_1", 48}, inception_same("branch5x5_2", 64, 5, 5)});
  auto const three = inception_chain(graph, x, where,
                                     {{"branch3x3dbl_1", 64},
                                      inception_same("branch3x3dbl_2", 96, 3, 3),
                                      inception_same("branch3x3dbl_3", 96, 3, 3)});
  return graph.add("concat", {one, five, three, inception_pooled(graph, x, where, pool)});
}

std::size_t inception_halved(Graph& graph, std::size_t x) {
  return graph.add("max_pool", {x}, {{"kernel", 3}, {"stride", 2}});
}

std::size_t inception_b(Graph& graph, std::size_t x, std::string const& where) {
  auto const three = inception_conv(graph, x, where, {"branch3x3", 384, {3, 3}, 2});
  auto const twice = inception_chain(graph, x, where,
                                     {{"branch3x3dbl_1", 64},
                                      inception_same("branch3x3dbl_2", 96, 3, 3),
                                      {"branch3x3dbl_3", 96, {3, 3}, 2}});
  return graph.add("concat", {three, twice, inception_halved(graph, x)});
}

std::size_t inception_c(Graph& graph,
                        std::size_t x,
                        std::string const& where,
                        std::int64_t width) {
  auto const one = inception_conv(graph, x, where, {"branch1x1", 192});
  auto const seven = inception_chain(graph, x, where,
                                     {{"branch7x7_1", width},
                                      inception_same("branch7x7_2", width, 1, 7),
                                      inception_same("branch7x7_3", 192, 7, 1)});
  auto const twice = inception_chain(graph, x, where,
                                     {{"branch7x7dbl_1", width},
                                      inception_same("branch7x7dbl_2", width, 7, 1),
                                      inception_same("branch7x7dbl_3", width, 1, 7),
                                      inception_same("branch7x7dbl_4", width, 7, 1),
                                      inception_same("branch7x7dbl_5", 192, 1, 7)});
  return graph.add("concat", {one, seven, twice, inception_pooled(graph, x, where, 192)});
}

std::size_t inception_d(Graph& graph, std::size_t x, std::string const& where) {
  auto const three =
      inception_chain(graph, x, where, {{"branch3x3_1", 192}, {"branch3x3_2", 320, {3, 3}, 2}});
  auto const seven = inception_chain(graph, x, where,
                                     {{"branch7x7x3_1", 192},
                                      inception_same("branch7x7x3_2", 192, 1, 7),
                                      inception_same("branch7x7x3_3", 192, 7, 1),
                                      {"branch7x7x3_4", 192, {3, 3}, 2}});
  return graph.add("concat", {three, seven, inception_halved(graph, x)});
}

std::size_t inception_forked(Graph& graph,
                             std::size_t x,
                             std::string const& where,
                             std::string const& name) {
  auto const wide = inception_conv(graph, x, where, inception_same(name + "a", 384, 1, 3));
  auto const tall = inception_conv(graph, x, where, inception_same(name + "b", 384, 3, 1));
  return graph.add("concat", {wide, tall});
}

std::size_t inception_e(Graph& graph, std::size_t x, std::string const& where) {
  auto const one = inception_conv(graph, x, where, {"branch1x1", 320});
  auto const three = inception_forked(
      graph, inception_conv(graph, x, where, {"branch3x3_1", 384}), where, "branch3x3_2");
  auto const twice = inception_chain(
      graph, x, where, {{"branch3x3dbl_1", 448}, inception_same("branch3x3dbl_2", 384, 3, 3)});
  auto const forked = inception_forked(graph, twice, where, "branch3x3dbl_3");
  return graph.add("concat", {one, three, forked, inception_pooled(graph, x, where, 192)});
}

// The paper's stem halves three times; smaller images are halved less, so that the blocks
// behind it have something to look at.
std::size_t inception_stem(Graph& graph, Draw const& draw) {
  auto const halvings = draw.torchvision || draw.size > 128 ? 3
                        : draw.size > small_image           ? 2
                                                            : 0;
  auto at = inception_chain(graph, 0, "",
                            {{"Conv2d_1a_3x3", 32, {3, 3}, halvings > 0 ? 2 : 1},
                             {"Conv2d_2a_3x3", 32, {3, 3}},
                             inception_same("Conv2d_2b_3x3", 64, 3, 3)});
  if (halvings > 1) at = inception_halved(graph, at);
  at = inception_chain(graph, at, "", {{"Conv2d_3b_1x1", 80}, {"Conv2d_4a_3x3", 192, {3, 3}}});
  return halvings > 2 ? inception_halved(graph, at) : at;
}

}  // namespace

Graph inception_v3(Draw const& draw) {
  auto graph = begun("inception-v3", draw);
  if (draw.dimensions != 2)
    throw Error{Fault::usage,
                "inception-v3 is for images: its kernels of 1 x 7 have no meaning in a volume",
                "choose another network"};
  auto at = inception_stem(graph, draw);
  at = inception_a(graph, at, "Mixed_5b.", 32);
  at = inception_a(graph, at, "Mixed_5c.", 64);
  at = inception_a(graph, at, "Mixed_5d.", 64);
  at = inception_b(graph, at, "Mixed_6a.");
  at = inception_c(graph, at, "Mixed_6b.", 128);
  at = inception_c(graph, at, "Mixed_6c.", 160);
  at = inception_c(graph, at, "Mixed_6d.", 160);
  at = inception_c(graph, at, "Mixed_6e.", 192);
  at = inception_d(graph, at, "Mixed_7a.");
  at = inception_e(graph, at, "Mixed_7b.");
  at = inception_e(graph, at, "Mixed_7c.");
  add_head(graph, at, draw, draw.dropout > 0 ? draw.dropout : 0.5, "fc");
  return graph;
}

}  // namespace fovea
