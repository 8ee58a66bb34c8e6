#pragma once

#include "learn/kernel/bfloat16.hpp"

#include <cstdint>

namespace fovea {

/// What losses of segmentation sum over voxels, and its gradient, in one pass each: softmax
/// (or, of regions, sigmoid) of the logits of some voxels, never a one-hot target and never all
/// probabilities at once.
///
/// A voxel's logits lie `channel_step` values apart, voxels `voxel_step` apart: both layouts of
/// tensors are so. Labels below 0 are unknown: no part of any sum, gradient 0.
struct SoftSums {
  std::int64_t channels = 0, channel_step = 0, voxel_step = 0;
  /// [channels]: softmax: of voxels whose label it is; regions: of voxels inside.
  float const* weights = nullptr;
  float gamma = 0;  ///< the point loss is cross-entropy times (1 - p of the truth) ^ gamma
  /// The labels inside region k are values[starts[k]] … values[starts[k + 1] - 1]; null:
  /// softmax, channel k is label k.
  std::int32_t const* values = nullptr;
  std::int64_t const* starts = nullptr;

  std::int64_t room() const;  ///< floats of scratch

  /// Adds the sums of `count` voxels from x on. inside, found, truth: by channel, of the
  /// probabilities where the truth is, of all probabilities, of the truth. point: the point
  /// loss of all voxels, times their weights.
  ///
  /// Out  log_sum: of each voxel the logarithm of the sum of exponentials, which backward
  /// takes;
  ///      not written for regions
  template <class T>
  void forward(T const* x,
               std::int32_t const* labels,
               std::int64_t count,
               float* scratch,
               double* inside,
               double* found,
               double* truth,
               double* point,
               float* log_sum) const;

  /// The gradient of by_inside * inside + by_found * found + by_point * point.
  template <class T>
  void backward(T const* x,
                std::int32_t const* labels,
                std::int64_t count,
                float* scratch,
                float const* log_sum,
                float const* by_inside,
                float const* by_found,
                float by_point,
                T* gradient) const;
};

}  // namespace fovea
