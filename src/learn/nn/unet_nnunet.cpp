#include "base/core/error.hpp"
#include "learn/nn/segmenter_parts.hpp"

#include <algorithm>

namespace fovea {
namespace {

std::size_t nnunet_norm(Graph& graph, std::size_t from, std::string name, double begin = 1) {
  return graph.add("instance_norm", {from}, {{"begin", begin}}, std::move(name));
}

std::size_t nnunet_leaky(Graph& graph, std::size_t from) {
  return graph.add("leaky_relu", {from}, {{"slope", leaky_slope}});
}

// Convolution, norm, leaky ReLU.
std::size_t nnunet_unit(Graph& graph,
                        std::size_t from,
                        LevelDraw const& level,
                        Sides const& stride,
                        std::string const& name) {
  auto const conv =
      add_same_conv(graph, from, level.features, level.kernel, stride, name + ".conv");
  return nnunet_leaky(graph, nnunet_norm(graph, conv, name + ".norm"));
}

std::size_t nnunet_units(Graph& graph,
                         std::size_t from,
                         LevelDraw const& level,
                         std::int64_t count,
                         Sides const& first_stride,
                         std::string const& name) {
  Sides const one(level.stride.size(), 1);
  auto at = from;
  for (std::int64_t i = 0; i < count; ++i)
    at = nnunet_unit(graph, at, level, i == 0 ? first_stride : one, text(name, ".convs.", i));
  return at;
}

// ResNet-D's basic block: a shorter way pools and then widens. The last norm begins at zero, so
// that a fresh block does nothing.
std::size_t nnunet_block(Graph& graph,
                         std::size_t from,
                         std::int64_t in,
                         LevelDraw const& level,
                         Sides const& stride,
                         std::string const& name) {
  Sides const one(stride.size(), 1);
  auto at = nnunet_unit(graph, from, level, stride, name + ".conv1");
  at = add_same_conv(graph, at, level.features, level.kernel, one, name + ".conv2.conv");
  at = nnunet_norm(graph, at, name + ".conv2.norm", 0);
  auto skip = from;
  auto const pools = stride != one;
  if (pools) skip = graph.add("avg_pool", {skip}, {{"kernel", stride}, {"stride", stride}});
  if (in != level.features) {
    auto const where = text(name, ".skip.", pools ? 1 : 0);
    skip =
        graph.add("conv", {skip},
                  {{"out", level.features}, {"kernel", 1}, {"bias", 0}, {"slope", leaky_slope}},
                  where + ".conv");
    skip = nnunet_norm(graph, skip, where + ".norm");
  }
  return nnunet_leaky(graph, graph.add("add", {at, skip}));
}

// From the encoder's outputs, finest first, to the classes.
void nnunet_decode(Graph& graph,
                   std::vector<std::size_t> const& skips,
                   std::vector<LevelDraw> const& levels,
                   SegmentDraw const& draw) {
  graph.marks["bottleneck"] = skips.back();
  auto at = skips.back();
  Sides const one(static_cast<std::size_t>(draw.dimensions), 1);
  for (auto level = levels.size() - 1; level-- > 0;) {
    auto const number = levels.size() - 2 - level;  // in the reference's order: coarsest first
    auto const& up = levels[level + 1].stride;
    at = graph.add("conv_transpose", {at},
                   {{"out", levels[level].features},
                    {"kernel", up},
                    {"stride", up},
                    {"slope", leaky_slope}},
                   text("decoder.transpconvs.", number));
    at = graph.add("concat", {at, skips[level]});
    at = nnunet_units(graph, at, levels[level], levels[level].decoder_blocks, one,
                      text("decoder.stages.", number));
    if (level == 0) graph.marks["features"] = graph.marks["embedding"] = at;
    if (level > 0 && !draw.deep_supervision) continue;
    auto const head = add_voxel_head(graph, at, draw.out, text("decoder.seg_layers.", number));
    if (level > 0) graph.marks[deep_mark(level)] = head;
  }
}

}  // namespace

Graph nnunet_plain(SegmentDraw const& draw) {
  auto const levels = levels_of(draw, nnunet_plain_levels(draw.dimensions));
  auto graph = begun_segmenter("nnunet", draw);
  std::vector<std::size_t> skips;
  std::size_t at = 0;
  for (std::size_t level = 0; level < levels.size(); ++level) {
    at = nnunet_units(graph, at, levels[level], levels[level].blocks, levels[level].stride,
                      text("encoder.stages.", level, ".0"));
    skips.push_back(at);
  }
  nnunet_decode(graph, skips, levels, draw);
  return graph;
}

Graph nnunet_residual(SegmentDraw const& draw) {
  auto const levels = levels_of(draw, nnunet_residual_levels(draw.dimensions));
  auto graph = begun_segmenter("nnunet-resenc", draw);
  Sides const one(static_cast<std::size_t>(draw.dimensions), 1);
  auto at = nnunet_units(graph, 0, levels[0], 1, one, "encoder.stem");
  auto in = levels[0].features;
  std::vector<std::size_t> skips;
  for (std::size_t level = 0; level < levels.size(); ++level) {
    for (std::int64_t block = 0; block < levels[level].blocks; ++block) {
      at = nnunet_block(graph, at, in, levels[level], block == 0 ? levels[level].stride : one,
                        text("encoder.stages.", level, ".blocks.", block));
      in = levels[level].features;
    }
    skips.push_back(at);
  }
  nnunet_decode(graph, skips, levels, draw);
  return graph;
}

std::vector<LevelDraw> nnunet_plain_levels(int dimensions) {
  return dimensions == 3
             ? halving_levels({32, 64, 128, 256, 320, 320}, dimensions, 2, 2)
             : halving_levels({32, 64, 128, 256, 512, 512, 512, 512}, dimensions, 2, 2);
}

std::vector<LevelDraw> nnunet_residual_levels(int dimensions) {
  auto levels = nnunet_plain_levels(dimensions);
  static constexpr std::int64_t blocks[] = {1, 3, 4, 6};
  for (std::size_t i = 0; i < levels.size(); ++i) {
    levels[i].blocks = blocks[std::min<std::size_t>(i, 3)];
    levels[i].decoder_blocks = 1;
  }
  return levels;
}

}  // namespace fovea
