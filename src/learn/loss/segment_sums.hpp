#pragma once

#include "learn/loss/segment.hpp"

namespace fovea {

/// What all losses of segmentation are made of, of one level; [n, c] unless said. Double, and
/// on the logits' device; `inside`, `found` and `point` carry the gradient.
struct SegmentSums {
  at::Tensor inside;  ///< of the probabilities where the truth is
  at::Tensor found;   ///< of all probabilities
  at::Tensor truth;   ///< voxels of the truth
  at::Tensor point;   ///< scalar: cross-entropy (1 - p) ^ gamma over all voxels, weighted
  at::Tensor weight;  ///< scalar: what that is divided by
};

/// Sizes are checked already. Throws Error{input} on a label that is no class.
SegmentSums segment_sums(at::Tensor const& logits,
                         at::Tensor const& target,
                         at::Tensor const& class_weights,
                         SegmentLossOptions const& options,
                         double gamma);

/// The same by operations of LibTorch, for any device and type.
SegmentSums segment_sums_plain(at::Tensor const& logits,
                               at::Tensor const& target,
                               at::Tensor const& class_weights,
                               SegmentLossOptions const& options,
                               double gamma);

/// Throws Error{input}: `label` is no class of a network with so many.
void segment_check_label(std::int64_t label, std::int64_t classes);

}  // namespace fovea
