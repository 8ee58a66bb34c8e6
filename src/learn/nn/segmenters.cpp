#include "base/core/error.hpp"
#include "base/core/words.hpp"
#include "learn/nn/ops_rows.hpp"
#include "learn/nn/segmenter_parts.hpp"

#include <algorithm>
#include <numeric>

namespace fovea {

std::span<SegmenterRow const> segmenters() {
  static constexpr SegmenterRow rows[] = {
      {.name = "nnunet",
       .paper = "Isensee et al., nnU-Net, Nature Methods 2021",
       .draw = nnunet_plain,
       .levels = nnunet_plain_levels,
       .volumes = true,
       .deep_supervision = true},
      {.name = "nnunet-resenc",
       .paper = "Isensee et al., nnU-Net Revisited, MICCAI 2024",
       .draw = nnunet_residual,
       .levels = nnunet_residual_levels,
       .volumes = true,
       .deep_supervision = true},
      {.name = "monai-unet",
       .paper =
           "Kerfoot et al., Left-ventricle quantification using residual U-Net, STACOM 2018",
       .draw = monai_unet,
       .levels = monai_unet_levels,
       .volumes = true},
      {.name = "segresnet",
       .paper = "Myronenko, 3D MRI brain tumor segmentation using autoencoder regularization, "
                "BrainLes 2018",
       .draw = segresnet,
       .levels = segresnet_levels,
       .volumes = true},
      {.name = "unet-2015",
       .paper = "Ronneberger et al., U-Net, MICCAI 2015; Cicek et al., 3D U-Net, MICCAI 2016",
       .draw = unet_2015,
       .levels = unet_2015_levels,
       .volumes = true,
       .deep_supervision = true},
      {.name = "swin-unetr",
       .paper = "Hatamizadeh et al., Swin UNETR, BrainLes 2021",
       .draw = swin_unetr,
       .volumes = true},
      {.name = "deeplabv3plus",
       .paper = "Chen et al., Encoder-decoder with atrous separable convolution, ECCV 2018",
       .draw = deeplabv3plus,
       .deep_supervision = true},
      {.name = "deeplabv3",
       .paper = "Chen et al., Rethinking atrous convolution, arXiv 1706.05587",
       .draw = deeplabv3,
       .deep_supervision = true},
      {.name = "pspnet",
       .paper = "Zhao et al., Pyramid scene parsing network, CVPR 2017",
       .draw = pspnet,
       .deep_supervision = true},
      {.name = "fcn-8s",
       .paper =
           "Long et al., Fully convolutional networks for semantic segmentation, CVPR 2015",
       .draw = fcn8s},
      {.name = "segnet", .paper = "Badrinarayanan et al., SegNet, TPAMI 2017", .draw = segnet},
      {.name = "hrnet",
       .paper = "Wang et al., Deep high-resolution representation learning, TPAMI 2021",
       .draw = hrnet},
  };
  return rows;
}

SegmenterRow const& segmenter_named(std::string_view name) {
  std::vector<std::string> known;
  for (auto const& row : segmenters()) {
    if (row.name == name) return row;
    known.emplace_back(row.name);
  }
  throw Error{Fault::usage, text("no network for segmentation '", name, "'"),
              did_you_mean(name, known)};
}

std::vector<std::size_t> deep_heads(Graph const& graph) {
  std::vector<std::size_t> heads;
  for (auto found = graph.marks.find(deep_mark(1)); found != graph.marks.end();
       found = graph.marks.find(deep_mark(heads.size() + 1)))
    heads.push_back(found->second);
  return heads;
}

namespace {

constexpr std::int64_t segmenter_most_pitch = 65536;

// How many voxels of the input lie between two of a node's: a fraction, where it is finer.
struct SegmenterPitch {
  std::int64_t over = 1, under = 1;

  void times(std::int64_t more, std::int64_t fewer) {
    over *= more;
    under *= fewer;
    auto const common = std::gcd(over, under);
    over /= common;
    under /= common;
    if (std::max(over, under) > segmenter_most_pitch)
      refuse_shape(text("strides of at most ", segmenter_most_pitch, " together"), "more");
  }
};

}  // namespace

std::vector<std::int64_t> size_steps(Graph const& graph) {
  auto const shapes = shapes_of(graph);
  auto const rank = shapes[0].size.size();
  std::vector<std::int64_t> steps(rank, 1);
  std::vector<std::vector<SegmenterPitch>> pitches(graph.nodes.size(),
                                                   std::vector<SegmenterPitch>(rank));
  for (std::size_t at = 1; at < graph.nodes.size(); ++at) {
    auto const& node = graph.nodes[at];
    auto& mine = pitches[at];
    // What is brought to another's size, or back to it, has that one's.
    auto const as_second = node.op == "resize_like" || node.op == "max_unpool";
    mine = pitches[node.from[as_second ? 1 : 0]];
    if (shapes[at].size.size() != rank) continue;
    auto const coarser =
        node.op == "conv" || node.op == "max_pool" || node.op == "avg_pool" ? "stride" : "";
    auto const finer = node.op == "conv_transpose" ? "stride"
                       : node.op == "upsample"     ? "factor"
                                                   : "";
    for (std::size_t axis = 0; axis < rank; ++axis) {
      if (*coarser != 0) mine[axis].times(axes_option(node, coarser, rank)[axis], 1);
      if (node.op == "merge_patches") mine[axis].times(2, 1);
      if (*finer != 0) mine[axis].times(1, axes_option(node, finer, rank)[axis]);
      steps[axis] = std::lcm(steps[axis], mine[axis].over);
      if (steps[axis] > segmenter_most_pitch)
        refuse_shape(text("strides of at most ", segmenter_most_pitch, " together"), "more");
    }
  }
  return steps;
}

}  // namespace fovea
