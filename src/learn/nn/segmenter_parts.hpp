#pragma once

#include "learn/nn/segmenter.hpp"

namespace fovea {

// What several networks for segmentation draw alike.

using Sides = std::vector<std::int64_t>;  ///< one number for each axis
constexpr double leaky_slope = 0.01;      ///< of nnU-Net's leaky ReLU

/// The graph with its input; the levels with kernel and stride written out. Throws Error{usage}
/// on what no network could be: other dimensions than 2 and 3, levels with numbers for other
/// axes, even kernels, nothing in a block.
Graph begun_segmenter(std::string_view name, SegmentDraw const& draw);
std::vector<LevelDraw> levels_of(SegmentDraw const& draw, std::vector<LevelDraw> standard);

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

}  // namespace fovea
