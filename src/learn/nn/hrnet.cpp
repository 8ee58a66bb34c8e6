#include "base/core/error.hpp"
#include "learn/nn/draw.hpp"
#include "learn/nn/resnet_stages.hpp"
#include "learn/nn/segmenter_parts.hpp"

#include <array>

namespace fovea {
namespace {

constexpr int hrnet_blocks = 4;                       // of each branch in each module
constexpr std::array<int, 3> hrnet_modules{1, 4, 3};  // of stages 2, 3, 4

using HrnetBranches = std::vector<std::size_t>;  // nodes; finest first, each at half the last's

std::size_t hrnet_unit(Graph& graph,
                       std::size_t from,
                       std::int64_t out,
                       std::int64_t kernel,
                       std::int64_t stride,
                       std::string const& name) {
  return add_norm(graph, add_conv(graph, from, out, kernel, stride, name + ".0"), name + ".1");
}

std::size_t hrnet_block(Graph& graph,
                        std::size_t from,
                        std::int64_t width,
                        std::string const& name) {
  auto at = from;
  for (auto const* const number : {"1", "2"}) {
    at = add_norm(graph, add_conv(graph, at, width, 3, 1, name + ".conv" + number),
                  name + ".bn" + number);
    if (*number == '1') at = add_relu(graph, at);
  }
  return add_relu(graph, graph.add("add", {at, from}));
}

// What branch `from` gives to branch `to`.
std::size_t hrnet_handed(Graph& graph,
                         HrnetBranches const& branches,
                         std::size_t from,
                         std::size_t to,
                         std::int64_t width,
                         std::string const& name) {
  auto at = branches[from];
  if (from > to) {
    at = hrnet_unit(graph, at, width << to, 1, 1, name);
    return graph.add("resize_like", {at, branches[to]});
  }
  for (std::size_t step = 0; from + step < to; ++step) {
    auto const last = from + step + 1 == to;
    at = hrnet_unit(graph, at, last ? width << to : width << from, 3, 2, text(name, ".", step));
    if (!last) at = add_relu(graph, at);
  }
  return at;
}

// Blocks on each branch, then every branch is the sum of what all give to it.
HrnetBranches hrnet_module(Graph& graph,
                           HrnetBranches branches,
                           std::int64_t width,
                           std::string const& name) {
  for (std::size_t b = 0; b < branches.size(); ++b) {
    for (int block = 0; block < hrnet_blocks; ++block)
      branches[b] =
          hrnet_block(graph, branches[b], width << b, text(name, ".branches.", b, ".", block));
  }
  HrnetBranches out;
  for (std::size_t to = 0; to < branches.size(); ++to) {
    std::size_t sum = 0;
    for (std::size_t from = 0; from < branches.size(); ++from) {
      auto const given = hrnet_handed(graph, branches, from, to, width,
                                      text(name, ".fuse_layers.", to, ".", from));
      sum = from == 0 ? given : graph.add("add", {sum, given});
    }
    out.push_back(add_relu(graph, sum));
  }
  return out;
}

}  // namespace

Graph hrnet(SegmentDraw const& draw) {
  if (draw.dimensions != 2) refuse_draw("2 dimensions", text(draw.dimensions));
  auto const width = draw.width > 0 ? draw.width : 18;
  auto graph = begun_segmenter("hrnet", draw);
  std::size_t at = 0;
  for (auto const* const number : {"1", "2"})
    at = add_relu(graph, add_norm(graph, add_conv(graph, at, 64, 3, 2, text("conv", number)),
                                  text("bn", number)));
  at = add_resnet_stages(graph, at, {.blocks = {4}, .bottleneck = true}, {}, "").back();
  HrnetBranches branches{
      add_relu(graph, hrnet_unit(graph, at, width, 3, 1, "transition1.0")),
      add_relu(graph, hrnet_unit(graph, at, 2 * width, 3, 2, "transition1.1.0"))};
  for (std::size_t stage = 0; stage < hrnet_modules.size(); ++stage) {
    if (stage > 0)
      branches.push_back(add_relu(
          graph, hrnet_unit(graph, branches.back(), width << branches.size(), 3, 2,
                            text("transition", stage + 1, ".", branches.size(), ".0"))));
    for (int module = 0; module < hrnet_modules[stage]; ++module)
      branches = hrnet_module(graph, branches, width, text("stage", stage + 2, ".", module));
  }
  graph.marks["bottleneck"] = branches.back();
  std::vector<std::size_t> all{branches[0]};
  for (std::size_t b = 1; b < branches.size(); ++b)
    all.push_back(graph.add("resize_like", {branches[b], branches[0]}));
  at = graph.add("conv", {graph.add("concat", all)}, {{"out", 15 * width}, {"kernel", 1}},
                 "last_layer.0");
  at = add_relu(graph, add_norm(graph, at, "last_layer.1"));
  graph.marks["features"] = graph.marks["embedding"] = at;
  at = add_voxel_head(graph, at, draw.out, "last_layer.3");
  graph.add("resize_like", {at, 0});
  return graph;
}

}  // namespace fovea
