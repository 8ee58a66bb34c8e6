#pragma once

#include "learn/nn/segmenter.hpp"

namespace fovea {

// What several networks for segmentation draw alike.

using Sides = std::vector<std::int64_t>;  ///< one number for each axis
constexpr double leaky_slope = 0.01;      ///< of nnU-Net's leaky ReLU

/// The graph with its input; the levels with kernel and stride written out. Throws Error{usage}
/// on what no network could be: other dimensions than 2 and 3, levels with numbers for other
/// axes, even kernels, fewer than `least` blocks.
Graph begun_segmenter(std::string_view name, SegmentDraw const& draw);
std::vector<LevelDraw> levels_of(SegmentDraw const& draw,
                                 std::vector<LevelDraw> standard,
                                 std::int64_t least = 1);

/// Refuses a stride into the first level: such networks give the grid of their first level.
void expect_full_first(std::vector<LevelDraw> const& levels);

/// Levels of 3 x 3 (x 3) with a stride of 2 between them.
std::vector<LevelDraw> halving_levels(std::vector<std::int64_t> const& features,
                                      int dimensions,
                                      std::int64_t blocks,
                                      std::int64_t decoder_blocks);

/// A convolution that keeps the size but for its stride, with a bias; begins for a leaky ReLU
/// behind it.
std::size_t add_same_conv(Graph& graph,
                          std::size_t from,
                          std::int64_t out,
                          Sides const& kernel,
                          Sides const& stride,
                          std::string name);
/// The convolution of one voxel that gives classes.
std::size_t add_voxel_head(Graph& graph, std::size_t from, std::int64_t out, std::string name);

/// "deep1": the name of a mark of deep supervision, counted from the finest.
std::string deep_mark(std::size_t number);

/// Refuses a description that a network cannot be drawn from: Error{usage}.
[[noreturn]] void refuse_draw(std::string const& expected, std::string const& got);

// One file for each family; segmenters.cpp names them.

/// Isensee et al., "nnU-Net", Nature Methods 2021: convolution, instance norm, leaky ReLU;
/// strided convolutions down, transposed ones up. Names of weights are those of
/// dynamic-network-architectures' PlainConvUNet.
Graph nnunet_plain(SegmentDraw const& draw);
std::vector<LevelDraw> nnunet_plain_levels(int dimensions);
/// Isensee et al., "nnU-Net Revisited", MICCAI 2024: the encoder of residual blocks. Names are
/// those of ResidualEncoderUNet.
Graph nnunet_residual(SegmentDraw const& draw);
std::vector<LevelDraw> nnunet_residual_levels(int dimensions);

/// Ronneberger et al., "U-Net", MICCAI 2015, and Cicek et al., "3D U-Net", MICCAI 2016, with
/// padding, so that the output has the input's grid: two convolutions with ReLU in a level, max
/// pooling down, transposed convolutions up. No norm unless the description asks for one.
Graph unet_2015(SegmentDraw const& draw);
std::vector<LevelDraw> unet_2015_levels(int dimensions);

/// Kerfoot et al., "Left-ventricle quantification using residual U-Net", STACOM 2018: MONAI's
/// UNet and its names; `blocks` are its num_res_units. Each level's stride acts at its
/// beginning, the first one's too. Its last layer is no convolution of one voxel.
Graph monai_unet(SegmentDraw const& draw);
std::vector<LevelDraw> monai_unet_levels(int dimensions);

/// Myronenko, "3D MRI brain tumor segmentation using autoencoder regularization", BrainLes
/// 2018, without the autoencoder: MONAI's SegResNet and its names. Features are multiples of 8.
Graph segresnet(SegmentDraw const& draw);
std::vector<LevelDraw> segresnet_levels(int dimensions);

/// Hatamizadeh et al., "Swin UNETR", BrainLes 2021: MONAI's SwinUNETR with its standard width
/// of 24 and its names. Heeds no levels.
Graph swin_unetr(SegmentDraw const& draw);

// Networks for images only, on a backbone of fixed levels. Those on ResNet-50 end at 1/4 or 1/8
// of the size and are enlarged linearly; deep supervision is their auxiliary head.

/// Chen et al., "Rethinking atrous convolution", 2017: torchvision's deeplabv3_resnet50, names
/// included.
Graph deeplabv3(SegmentDraw const& draw);
/// Chen et al., "Encoder-decoder with atrous separable convolution", ECCV 2018, with ResNet-50
/// at stride 16 and plain convolutions.
Graph deeplabv3plus(SegmentDraw const& draw);
/// Zhao et al., "Pyramid scene parsing network", CVPR 2017.
Graph pspnet(SegmentDraw const& draw);
/// Long et al., "Fully convolutional networks for semantic segmentation", CVPR 2015, on VGG-16,
/// padded so that the output has the input's grid; enlarged linearly, as its transposed
/// convolutions begin.
Graph fcn8s(SegmentDraw const& draw);
/// Badrinarayanan et al., "SegNet", TPAMI 2017.
Graph segnet(SegmentDraw const& draw);
/// Wang et al., "Deep high-resolution representation learning", TPAMI 2021: HRNet-W18 (the
/// width), all resolutions joined before the head. Names are the authors'.
Graph hrnet(SegmentDraw const& draw);

}  // namespace fovea
