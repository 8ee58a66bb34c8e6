#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace fovea {

/// What a loss of segmentation compares. n samples, c channels of the network.
///
///   logits  [n, c, (k,) j, i] of any floating type and layout: one for each level of deep
///           supervision, full resolution first, or just one
///   target  u8, i8, i16, i32 or i64 [n, (k,) j, i] at full resolution: the label of each
///           voxel; below 0 or `ignore`: unknown, no part of any sum. Coarser levels take the
///           nearest voxel (nnU-Net's "nearest-exact").
///   class_weights  [c]. Of classes: a voxel of class k counts so much in cross-entropy and
///           focal; of regions: a voxel inside counts so much (PyTorch's pos_weight).
///           Undefined: ones. Dice is not weighted.
struct SegmentLossInput {
  std::vector<at::Tensor> logits;
  at::Tensor target;
  at::Tensor class_weights = {};
};

/// What each channel of a network stands for where channels overlap: by channel the labels that
/// are inside, as {{1, 2, 3}, {2, 3}, {3}}. Each is a yes or no of its own (sigmoid). Empty:
/// channel k is label k and a voxel has one (softmax).
using SegmentRegions = std::vector<std::vector<std::int64_t>>;

struct SegmentLossOptions {
  SegmentRegions regions = {};
  std::int64_t ignore = -1;  ///< a label whose voxels are masked, beside those below 0
  /// Sums of all samples together before they are divided (nnU-Net's batch_dice), not by
  /// sample.
  bool batch_dice = false;
  /// Whether class 0 has a part in Dice, Tversky and generalised Dice; regions all have.
  bool background = false;
  double smooth = 1e-5;     ///< added above and below the line
  double dice_weight = 1;   ///< of Dice in the sums of two
  double point_weight = 1;  ///< of what is summed voxel by voxel in them
  double gamma = 2;         ///< focal: how much easy voxels count less
  double alpha = 0.5;       ///< Tversky: what false positives cost
  double beta = 0.5;        ///< Tversky: what false negatives cost
  /// By level. Empty: level_weights(). A level of weight 0 is not looked at.
  std::vector<double> level_weights = {};
};

/// All losses are scalars, 0 for a perfect answer: the weighted sum over the levels. The
/// arithmetic is float32 or finer whatever the logits are; sums over voxels are double and do
/// not depend on the number of threads. On a CPU float32 and bfloat16 logits take one fused
/// pass there and one back, without a one-hot target.
///
/// Throw Error{bug} on sizes that do not fit together, Error{input} on a label that is no class
/// (with regions any label is allowed: it lies outside of those that do not name it).

/// 1 - (2 I + s) / max(P + G + s, 1e-8), the mean over channels (and over samples unless
/// batch_dice): I the sum of probabilities inside the truth, P of all probabilities, G of the
/// truth. nnU-Net's MemoryEfficientSoftDiceLoss + 1, MONAI's DiceLoss.
/// Paper   Milletari et al., V-Net, 3DV 2016; Isensee et al., nnU-Net, Nature Methods 2021
at::Tensor segment_dice(SegmentLossInput const& input, SegmentLossOptions const& options = {});

/// Softmax cross-entropy, divided by the sum of the known voxels' weights (PyTorch). Regions:
/// binary cross-entropy, the mean over known voxels and regions.
at::Tensor segment_cross_entropy(SegmentLossInput const& input,
                                 SegmentLossOptions const& options = {});

/// Cross-entropy times (1 - p) ^ gamma, p the probability of the truth (Lin et al. 2017),
/// divided as cross-entropy is. MONAI's FocalLoss with softmax divides by the number of classes
/// too.
at::Tensor segment_focal(SegmentLossInput const& input, SegmentLossOptions const& options = {});

/// dice_weight * Dice + point_weight * cross-entropy: nnU-Net's default (+ dice_weight). With
/// regions and an ignore label nnU-Net divides the cross-entropy by voxels only, not by
/// regions: point_weight = regions gives its ratio.
at::Tensor segment_dice_cross_entropy(SegmentLossInput const& input,
                                      SegmentLossOptions const& options = {});

/// dice_weight * Dice + point_weight * focal.
at::Tensor segment_dice_focal(SegmentLossInput const& input,
                              SegmentLossOptions const& options = {});

/// 1 - (I + s) / (I + alpha (P - I) + beta (G - I) + s); alpha = beta = 1/2 is Dice with twice
/// the smoothing.
/// Paper   Salehi et al., Tversky loss, MLMI 2017
at::Tensor segment_tversky(SegmentLossInput const& input,
                           SegmentLossOptions const& options = {});

/// 1 - (2 sum w I + s) / (sum w (P + G) + s), summed over channels with w = 1 / G^2; a channel
/// that is absent takes the largest weight of the others (MONAI).
/// Paper   Sudre et al., Generalised Dice overlap, DLMIA 2017
at::Tensor segment_generalised_dice(SegmentLossInput const& input,
                                    SegmentLossOptions const& options = {});

/// 1, 1/2, 1/4, … with the last one 0, divided by their sum (nnU-Net); a single level is 1.
std::vector<double> level_weights(std::size_t levels);

/// The target of a coarser level: [n, (k,) j, i] at the places of `sizes` ((k,) j, i), by the
/// nearest voxel's centre.
at::Tensor target_at(at::Tensor const& target, at::IntArrayRef sizes);

/// One row for each loss a plan can name; with regions it is the form for regions. Add yours in
/// segment.cpp: the tests of all rows read this table.
struct SegmentLossRow {
  std::string_view name, does;
  at::Tensor (*compute)(SegmentLossInput const& input, SegmentLossOptions const& options);
};
std::span<SegmentLossRow const> segment_losses();
/// Throws Error{usage} with the nearest name.
SegmentLossRow const& segment_loss_named(std::string_view name);

}  // namespace fovea
