#include "base/core/error.hpp"
#include "learn/nn/segmenter_parts.hpp"

namespace fovea {
namespace {

constexpr std::int64_t segresnet_groups = 8;

std::size_t segresnet_conv(Graph& graph,
                           std::size_t from,
                           std::int64_t out,
                           Sides const& kernel,
                           Sides const& stride,
                           std::string name) {
  auto const at = add_same_conv(graph, from, out, kernel, stride, std::move(name));
  graph.nodes[at].options["begin"] = std::string{"uniform"};
  graph.nodes[at].options["bias"] = std::int64_t{0};
  return at;
}

std::size_t segresnet_norm(Graph& graph, std::size_t from, std::string name) {
  auto const at =
      graph.add("group_norm", {from}, {{"groups", segresnet_groups}}, std::move(name));
  return graph.add("relu", {at});
}

std::size_t segresnet_block(Graph& graph,
                            std::size_t from,
                            LevelDraw const& level,
                            std::string const& name) {
  Sides const one(level.stride.size(), 1);
  auto at = from;
  for (auto const* const number : {"1", "2"}) {
    at = segresnet_norm(graph, at, name + ".norm" + number);
    at = segresnet_conv(graph, at, level.features, level.kernel, one,
                        name + ".conv" + number + ".conv");
  }
  return graph.add("add", {at, from});
}

}  // namespace

Graph segresnet(SegmentDraw const& draw) {
  auto graph = begun_segmenter("segresnet", draw);
  auto const levels = levels_of(draw, segresnet_levels(draw.dimensions));
  expect_full_first(levels);
  for (auto const& level : levels) {
    if (level.features % segresnet_groups != 0)
      refuse_draw(text("features in multiples of ", segresnet_groups), text(level.features));
  }
  Sides const one(static_cast<std::size_t>(draw.dimensions), 1);
  auto at =
      segresnet_conv(graph, 0, levels[0].features, levels[0].kernel, one, "convInit.conv");
  if (draw.dropout.value_or(0) > 0) at = graph.add("dropout", {at}, {{"rate", *draw.dropout}});
  std::vector<std::size_t> skips;
  for (std::size_t level = 0; level < levels.size(); ++level) {
    auto const name = text("down_layers.", level, ".");
    if (level > 0)
      at = segresnet_conv(graph, at, levels[level].features, levels[level].kernel,
                          levels[level].stride, name + "0.conv");
    for (std::int64_t block = 0; block < levels[level].blocks; ++block)
      at = segresnet_block(graph, at, levels[level], text(name, block + 1));
    skips.push_back(at);
  }
  graph.marks["bottleneck"] = at;
  for (auto level = levels.size() - 1; level-- > 0;) {
    auto const number = levels.size() - 2 - level;
    at = segresnet_conv(graph, at, levels[level].features, one, one,
                        text("up_samples.", number, ".0.conv"));
    at =
        graph.add("upsample", {at}, {{"factor", levels[level + 1].stride}, {"mode", "linear"}});
    at = graph.add("add", {at, skips[level]});
    for (std::int64_t block = 0; block < levels[level].decoder_blocks; ++block)
      at = segresnet_block(graph, at, levels[level], text("up_layers.", number, ".", block));
  }
  at = segresnet_norm(graph, at, "conv_final.0");
  graph.marks["features"] = graph.marks["embedding"] = at;
  graph.add("conv", {at}, {{"out", draw.out}, {"kernel", 1}, {"begin", "uniform"}},
            "conv_final.2.conv");
  return graph;
}

std::vector<LevelDraw> segresnet_levels(int dimensions) {
  auto levels = halving_levels({8, 16, 32, 64}, dimensions, 2, 1);
  levels.front().blocks = 1;
  levels.back().blocks = 4;
  return levels;
}

}  // namespace fovea
