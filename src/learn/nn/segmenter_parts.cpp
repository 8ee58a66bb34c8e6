#include "learn/nn/segmenter_parts.hpp"

#include "base/core/error.hpp"

#include <algorithm>

namespace fovea {
namespace {

constexpr std::size_t segmenter_most_levels = 16;

void segmenter_check(Sides& sides, std::int64_t standard, int dimensions, std::string_view of) {
  if (sides.empty()) sides.assign(static_cast<std::size_t>(dimensions), standard);
  if (sides.size() != static_cast<std::size_t>(dimensions))
    refuse_draw(text("a ", of, " with ", dimensions, " numbers"), text(sides.size()));
  for (auto const side : sides) {
    if (side < 1) refuse_draw(text("a ", of, " of at least 1"), text(side));
  }
}

}  // namespace

void refuse_draw(std::string const& expected, std::string const& got) {
  throw Error{Fault::usage, text("expected ", expected, ", got ", got),
              "correct the plan's network"};
}

Graph begun_segmenter(std::string_view name, SegmentDraw const& draw) {
  if (draw.dimensions != 2 && draw.dimensions != 3)
    refuse_draw("2 or 3 dimensions", text(draw.dimensions));
  if (draw.in < 1) refuse_draw("at least one channel", text(draw.in));
  if (draw.out < 1) refuse_draw("at least one class", text(draw.out));
  Graph graph;
  graph.drawn_by =
      text(name, " in=", draw.in, " out=", draw.out, " dimensions=", draw.dimensions,
           " levels=", draw.levels.size(), draw.deep_supervision ? " deep-supervision" : "");
  graph.add("input", {},
            {{"channels", draw.in}, {"dimensions", std::int64_t{draw.dimensions}}});
  return graph;
}

std::vector<LevelDraw> levels_of(SegmentDraw const& draw, std::vector<LevelDraw> standard) {
  auto levels = draw.levels.empty() ? std::move(standard) : draw.levels;
  if (levels.size() < 2 || levels.size() > segmenter_most_levels)
    refuse_draw(text("2 … ", segmenter_most_levels, " levels"), text(levels.size()));
  for (auto& level : levels) {
    if (level.features < 1) refuse_draw("at least one feature", text(level.features));
    if (level.blocks < 1 || level.decoder_blocks < 1)
      refuse_draw("at least one convolution in a level",
                  text(std::min(level.blocks, level.decoder_blocks)));
    segmenter_check(level.kernel, 3, draw.dimensions, "kernel");
    segmenter_check(level.stride, 1, draw.dimensions, "stride");
    for (auto const side : level.kernel) {
      if (side % 2 == 0) refuse_draw("a kernel of odd sides", text(side));
    }
  }
  return levels;
}

std::vector<LevelDraw> halving_levels(std::vector<std::int64_t> const& features,
                                      int dimensions,
                                      std::int64_t blocks,
                                      std::int64_t decoder_blocks) {
  std::vector<LevelDraw> levels;
  for (auto const width : features)
    levels.push_back(
        {.features = width,
         .stride = Sides(static_cast<std::size_t>(dimensions), levels.empty() ? 1 : 2),
         .blocks = blocks,
         .decoder_blocks = decoder_blocks});
  return levels;
}

std::size_t add_same_conv(Graph& graph,
                          std::size_t from,
                          std::int64_t out,
                          Sides const& kernel,
                          Sides const& stride,
                          std::string name) {
  Sides padding;
  for (auto const side : kernel) padding.push_back((side - 1) / 2);
  return graph.add("conv", {from},
                   {{"out", out},
                    {"kernel", kernel},
                    {"stride", stride},
                    {"padding", padding},
                    {"slope", leaky_slope}},
                   std::move(name));
}

std::size_t add_voxel_head(Graph& graph, std::size_t from, std::int64_t out, std::string name) {
  return graph.add("conv", {from}, {{"out", out}, {"kernel", 1}, {"slope", leaky_slope}},
                   std::move(name));
}

std::string deep_mark(std::size_t number) {
  return text("deep", number);
}

}  // namespace fovea
