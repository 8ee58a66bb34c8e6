#pragma once

#include "learn/nn/network.hpp"

namespace fovea {

/// One level of an encoder and, but for the deepest, of the decoder beside it. Lists have one
/// number for each axis, (k,) j, i; an empty one means 3 (kernel) or 1 (stride) everywhere.
struct LevelDraw {
  std::int64_t features = 32;
  std::vector<std::int64_t> kernel = {};
  std::vector<std::int64_t> stride = {};  ///< of the step into this level; also of the first
  std::int64_t blocks = 2;                ///< convolutions, or residual blocks, of the encoder
  std::int64_t decoder_blocks = 2;        ///< of the decoder; the deepest level has none
};

/// What a network that labels every voxel is asked to be: one description for all rows of
/// segmenters(), and what a plan stores. Not every row heeds every field.
///
/// In    [batch, in, (k,) j, i]; sides that are multiples of size_steps()
/// Out   [batch, out, (k,) j, i]: logits on the same grid
struct SegmentDraw {
  enum class Norm { instance, batch };
  std::int64_t in = 1;                 ///< channels
  std::int64_t out = 2;                ///< classes, or regions
  int dimensions = 3;                  ///< 2 or 3
  std::vector<LevelDraw> levels = {};  ///< finest first; empty: those of the row
  /// Heads on the coarser levels of the decoder, for training only: marks "deep1" (the finest
  /// of them), "deep2" …
  bool deep_supervision = false;
  Norm norm = Norm::instance;  ///< heeded by monai-unet and unet-2015
  double dropout = 0;
};

/// One row for each network for segmentation that a user can name. Add yours in
/// segmenters.cpp.
struct SegmenterRow {
  std::string_view name;
  std::string_view paper;
  /// Throws Error{usage} if the description does not fit this network.
  Graph (*draw)(SegmentDraw const& draw);
  /// The paper's levels; nullptr if the network heeds no levels.
  std::vector<LevelDraw> (*levels)(int dimensions) = nullptr;
  bool volumes = false;           ///< can be drawn with dimensions = 3
  bool deep_supervision = false;  ///< heeds SegmentDraw::deep_supervision
};
std::span<SegmenterRow const> segmenters();
/// Throws Error{usage} with the nearest name.
SegmenterRow const& segmenter_named(std::string_view name);

/// The heads of deep supervision, the finest first, without the one that gives the output:
/// nodes marked "deep1", "deep2" … What Network::train_all gives behind the output.
std::vector<std::size_t> deep_heads(Graph const& graph);

/// Sides of an input that the graph takes are multiples of these, one number for each axis:
/// found from the strides of its convolutions and pools.
std::vector<std::int64_t> size_steps(Graph const& graph);

}  // namespace fovea
