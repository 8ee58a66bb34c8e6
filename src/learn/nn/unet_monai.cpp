#include "base/core/error.hpp"
#include "learn/nn/segmenter_parts.hpp"

#include <algorithm>

namespace fovea {
namespace {

// What MONAI calls ADN: norm, dropout, activation.
std::size_t monai_adn(Graph& graph,
                      std::size_t from,
                      SegmentDraw const& draw,
                      std::string const& name) {
  auto at = draw.norm == SegmentDraw::Norm::batch
                ? graph.add("batch_norm", {from}, {}, name + ".N")
                : graph.add("instance_norm", {from}, {{"affine", 0}});
  if (draw.dropout.value_or(0) > 0) at = graph.add("dropout", {at}, {{"rate", *draw.dropout}});
  return graph.add("prelu", {at}, {}, name + ".A");
}

std::size_t monai_conv(Graph& graph,
                       std::size_t from,
                       std::int64_t out,
                       Sides const& kernel,
                       Sides const& stride,
                       std::string name) {
  auto const at = add_same_conv(graph, from, out, kernel, stride, std::move(name));
  graph.nodes[at].options["begin"] = std::string{"uniform"};
  return at;
}

// The convolutions of a residual unit and what they are added to. `ends`: the last one comes
// without norm and activation.
std::size_t monai_unit(Graph& graph,
                       std::size_t from,
                       std::int64_t in,
                       std::int64_t out,
                       LevelDraw const& level,
                       Sides const& stride,
                       std::int64_t count,
                       bool ends,
                       SegmentDraw const& draw,
                       std::string const& name) {
  Sides const one(stride.size(), 1);
  auto skip = from;
  if (stride != one || in != out)
    skip = monai_conv(graph, from, out, stride == one ? one : level.kernel, stride,
                      name + ".residual");
  auto at = from;
  for (std::int64_t i = 0; i < count; ++i) {
    auto const where = text(name, ".conv.unit", i);
    at = monai_conv(graph, at, out, level.kernel, i == 0 ? stride : one, where + ".conv");
    if (!ends || i + 1 < count) at = monai_adn(graph, at, draw, where + ".adn");
  }
  return graph.add("add", {at, skip});
}

std::size_t monai_down(Graph& graph,
                       std::size_t from,
                       std::int64_t in,
                       LevelDraw const& level,
                       SegmentDraw const& draw,
                       std::string const& name) {
  if (level.blocks > 0)
    return monai_unit(graph, from, in, level.features, level, level.stride, level.blocks, false,
                      draw, name);
  auto const at =
      monai_conv(graph, from, level.features, level.kernel, level.stride, name + ".conv");
  return monai_adn(graph, at, draw, name + ".adn");
}

std::size_t monai_up(Graph& graph,
                     std::size_t from,
                     std::int64_t out,
                     LevelDraw const& level,
                     bool top,
                     SegmentDraw const& draw,
                     std::string const& name) {
  auto const where = level.blocks > 0 ? name + ".0" : name;
  Sides padding, more;
  for (std::size_t axis = 0; axis < level.kernel.size(); ++axis) {
    padding.push_back((level.kernel[axis] - 1) / 2);
    more.push_back(level.stride[axis] - 1);
  }
  auto at = graph.add("conv_transpose", {from},
                      {{"out", out},
                       {"kernel", level.kernel},
                       {"stride", level.stride},
                       {"padding", padding},
                       {"output_padding", more},
                       {"begin", "uniform"}},
                      where + ".conv");
  if (top && level.blocks == 0) return at;
  at = monai_adn(graph, at, draw, where + ".adn");
  if (level.blocks == 0) return at;
  return monai_unit(graph, at, out, out, level, Sides(level.stride.size(), 1), 1, top, draw,
                    name + ".1");
}

}  // namespace

Graph monai_unet(SegmentDraw const& draw) {
  auto graph = begun_segmenter("monai-unet", draw);
  auto const levels = levels_of(draw, monai_unet_levels(draw.dimensions), 0);
  // "model.1.submodule.1.submodule": the deeper level is a module inside the skip's.
  std::vector<std::string> names{"model"};
  std::vector<std::size_t> skips;
  auto in = draw.in;
  std::size_t at = 0;
  for (std::size_t level = 0; level < levels.size(); ++level) {
    auto const deepest = level + 1 == levels.size();
    auto here = levels[level];
    if (deepest) here.stride.assign(here.stride.size(), 1);
    at = monai_down(graph, at, in, here, draw, deepest ? names[level] : names[level] + ".0");
    in = here.features;
    skips.push_back(at);
    names.push_back(names[level] + ".1.submodule");
  }
  graph.marks["bottleneck"] = at;
  for (auto level = levels.size() - 1; level-- > 0;) {
    at = graph.add("concat", {skips[level], at});
    auto const out = level == 0 ? draw.out : levels[level - 1].features;
    if (level == 0) graph.marks["features"] = graph.marks["embedding"] = at;
    at = monai_up(graph, at, out, levels[level], level == 0, draw, names[level] + ".2");
  }
  return graph;
}

std::vector<LevelDraw> monai_unet_levels(int dimensions) {
  auto levels = halving_levels({16, 32, 64, 128, 256}, dimensions, 2, 1);
  // A level begins with its stride: the first halves, the deepest does not.
  for (auto& level : levels)
    level.stride.assign(level.stride.size(), &level == &levels.back() ? 1 : 2);
  return levels;
}

}  // namespace fovea
