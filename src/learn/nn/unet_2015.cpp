#include "base/core/error.hpp"
#include "learn/nn/segmenter_parts.hpp"

namespace fovea {
namespace {

std::size_t unet_2015_convs(Graph& graph,
                            std::size_t from,
                            LevelDraw const& level,
                            std::int64_t count,
                            SegmentDraw const& draw,
                            std::string const& name) {
  Sides const one(level.stride.size(), 1);
  auto const norm = draw.norm == SegmentDraw::Norm::batch      ? "batch_norm"
                    : draw.norm == SegmentDraw::Norm::instance ? "instance_norm"
                                                               : "";
  auto at = from;
  for (std::int64_t i = 0; i < count; ++i) {
    at =
        add_same_conv(graph, at, level.features, level.kernel, one, text(name, ".conv", i + 1));
    graph.nodes[at].options["slope"] = 0.0;
    if (*norm != 0) at = graph.add(norm, {at}, {}, text(name, ".norm", i + 1));
    at = graph.add("relu", {at});
  }
  return at;
}

}  // namespace

Graph unet_2015(SegmentDraw const& draw) {
  auto graph = begun_segmenter("unet-2015", draw);
  auto const levels = levels_of(draw, unet_2015_levels(draw.dimensions));
  expect_full_first(levels);
  std::vector<std::size_t> skips;
  std::size_t at = 0;
  for (std::size_t level = 0; level < levels.size(); ++level) {
    auto const& stride = levels[level].stride;
    if (stride != Sides(stride.size(), 1))
      at = graph.add("max_pool", {at}, {{"kernel", stride}, {"stride", stride}});
    at = unet_2015_convs(graph, at, levels[level], levels[level].blocks, draw,
                         text("down", level + 1));
    skips.push_back(at);
  }
  graph.marks["bottleneck"] = at;
  for (auto level = levels.size() - 1; level-- > 0;) {
    auto const& up = levels[level + 1].stride;
    auto const name = text("up", level + 1);
    at = graph.add("conv_transpose", {at},
                   {{"out", levels[level].features}, {"kernel", up}, {"stride", up}},
                   name + ".up");
    at = graph.add("concat", {skips[level], at});
    at = unet_2015_convs(graph, at, levels[level], levels[level].decoder_blocks, draw, name);
    if (level == 0) graph.marks["features"] = graph.marks["embedding"] = at;
    if (level > 0 && !draw.deep_supervision) continue;
    auto const head = add_voxel_head(graph, at, draw.out, text("head", level + 1));
    if (level > 0) graph.marks[deep_mark(level)] = head;
  }
  return graph;
}

std::vector<LevelDraw> unet_2015_levels(int dimensions) {
  return dimensions == 3 ? halving_levels({32, 64, 128, 256}, dimensions, 2, 2)
                         : halving_levels({64, 128, 256, 512, 1024}, dimensions, 2, 2);
}

}  // namespace fovea
