#include "base/core/error.hpp"
#include "learn/nn/draw.hpp"
#include "learn/nn/resnet_stages.hpp"
#include "learn/nn/segmenter_parts.hpp"

namespace fovea {
namespace {

// Of the backbone's first stage; the paper's is 64, and all else is wide in proportion.
std::int64_t deeplab_width(SegmentDraw const& draw) {
  return draw.width > 0 ? draw.width : 64;
}

std::size_t deeplab_unit(Graph& graph,
                         std::size_t from,
                         std::int64_t out,
                         std::int64_t kernel,
                         std::int64_t dilation,
                         std::string const& conv,
                         std::string const& norm) {
  auto const at = add_conv(graph, from, out, kernel, 1, conv);
  if (dilation > 1) {
    graph.nodes[at].options["dilation"] = dilation;
    graph.nodes[at].options["padding"] = dilation;
  }
  return add_relu(graph, add_norm(graph, at, norm));
}

// Atrous spatial pyramid pooling: the same place seen at several distances, and the whole
// image.
std::size_t deeplab_pyramid(Graph& graph,
                            std::size_t from,
                            std::vector<std::int64_t> const& rates,
                            SegmentDraw const& draw) {
  auto const width = 4 * deeplab_width(draw);
  std::string const name = "classifier.0";
  std::vector<std::size_t> parts{
      deeplab_unit(graph, from, width, 1, 1, name + ".convs.0.0", name + ".convs.0.1")};
  for (auto const rate : rates) {
    auto const where = text(name, ".convs.", parts.size());
    parts.push_back(deeplab_unit(graph, from, width, 3, rate, where + ".0", where + ".1"));
  }
  auto const where = text(name, ".convs.", parts.size());
  auto at = graph.add("adaptive_avg_pool", {from}, {{"size", 1}});
  at = deeplab_unit(graph, at, width, 1, 1, where + ".1", where + ".2");
  parts.push_back(graph.add("resize_like", {at, from}));
  at = deeplab_unit(graph, graph.add("concat", parts), width, 1, 1, name + ".project.0",
                    name + ".project.1");
  return graph.add("dropout", {at}, {{"rate", draw.dropout.value_or(0.5)}});
}

Graph deeplab_begun(std::string_view name, SegmentDraw const& draw) {
  if (draw.dimensions != 2) refuse_draw("2 dimensions", text(draw.dimensions));
  return begun_segmenter(name, draw);
}

std::vector<std::size_t> deeplab_backbone(Graph& graph,
                                          std::vector<bool> const& dilated,
                                          SegmentDraw const& draw) {
  auto const width = deeplab_width(draw);
  auto at = add_conv(graph, 0, width, 7, 2, "backbone.conv1");
  at = add_relu(graph, add_norm(graph, at, "backbone.bn1"));
  at = graph.add("max_pool", {at}, {{"kernel", 3}, {"stride", 2}, {"padding", 1}});
  auto const ends =
      add_resnet_stages(graph, at, {.blocks = {3, 4, 6, 3}, .width = width, .bottleneck = true},
                        dilated, "backbone.");
  graph.marks["bottleneck"] = ends.back();
  return ends;
}

void deeplab_auxiliary(Graph& graph, std::size_t from, SegmentDraw const& draw) {
  if (!draw.deep_supervision) return;
  auto at = deeplab_unit(graph, from, 4 * deeplab_width(draw), 3, 1, "aux_classifier.0",
                         "aux_classifier.1");
  at = graph.add("dropout", {at}, {{"rate", draw.dropout.value_or(0.1)}});
  at = add_voxel_head(graph, at, draw.out, "aux_classifier.4");
  graph.marks[deep_mark(1)] = graph.add("resize_like", {at, 0});
}

}  // namespace

Graph deeplabv3(SegmentDraw const& draw) {
  auto graph = deeplab_begun("deeplabv3", draw);
  auto const stages = deeplab_backbone(graph, {false, false, true, true}, draw);
  deeplab_auxiliary(graph, stages[2], draw);
  auto at = deeplab_pyramid(graph, stages[3], {12, 24, 36}, draw);
  at = deeplab_unit(graph, at, 4 * deeplab_width(draw), 3, 1, "classifier.1", "classifier.2");
  graph.marks["features"] = graph.marks["embedding"] = at;
  at = add_voxel_head(graph, at, draw.out, "classifier.4");
  graph.add("resize_like", {at, 0});
  return graph;
}

Graph deeplabv3plus(SegmentDraw const& draw) {
  auto graph = deeplab_begun("deeplabv3plus", draw);
  auto const stages = deeplab_backbone(graph, {false, false, false, true}, draw);
  deeplab_auxiliary(graph, stages[2], draw);
  auto const coarse = deeplab_pyramid(graph, stages[3], {6, 12, 18}, draw);
  auto const fine = deeplab_unit(graph, stages[0], deeplab_width(draw) * 3 / 4, 1, 1,
                                 "decoder.fine.0", "decoder.fine.1");
  auto at = graph.add("concat", {graph.add("resize_like", {coarse, fine}), fine});
  for (auto const* const number : {"0", "1"}) {
    auto const where = text("decoder.convs.", number);
    at = deeplab_unit(graph, at, 4 * deeplab_width(draw), 3, 1, where + ".0", where + ".1");
  }
  graph.marks["features"] = graph.marks["embedding"] = at;
  at = add_voxel_head(graph, at, draw.out, "decoder.head");
  graph.add("resize_like", {at, 0});
  return graph;
}

Graph pspnet(SegmentDraw const& draw) {
  auto graph = deeplab_begun("pspnet", draw);
  auto const stages = deeplab_backbone(graph, {false, false, true, true}, draw);
  deeplab_auxiliary(graph, stages[2], draw);
  std::vector<std::size_t> parts{stages[3]};
  for (std::int64_t const cells : {1, 2, 3, 6}) {
    auto const where = text("pyramid.", cells);
    auto at = graph.add("adaptive_avg_pool", {stages[3]}, {{"size", cells}});
    at = deeplab_unit(graph, at, 8 * deeplab_width(draw), 1, 1, where + ".0", where + ".1");
    parts.push_back(graph.add("resize_like", {at, stages[3]}));
  }
  auto at = deeplab_unit(graph, graph.add("concat", parts), 8 * deeplab_width(draw), 3, 1,
                         "classifier.0", "classifier.1");
  at = graph.add("dropout", {at}, {{"rate", draw.dropout.value_or(0.1)}});
  graph.marks["features"] = graph.marks["embedding"] = at;
  at = add_voxel_head(graph, at, draw.out, "classifier.4");
  graph.add("resize_like", {at, 0});
  return graph;
}

}  // namespace fovea
