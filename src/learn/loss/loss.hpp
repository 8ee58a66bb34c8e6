#pragma once

#include <ATen/core/Tensor.h>

#include <span>
#include <string_view>

namespace fovea {

/// What a loss compares. n cases, c classes; logits may be of any floating type, the arithmetic
/// is float32 or finer.
///
/// For cross-entropy and focal
///   target        int64 [n]: the class, below 0 unknown; or float [n, c]: shares of the
///   classes
///                 that add up to 1 (mix-up), a row with any value below 0 unknown
///   class_weights [c]: cases of class k count so much
/// For the binary ones (several labels a case)
///   target        float [n, c] in 0 … 1, below 0 unknown: masked
///   class_weights [c]: a present label of class k counts so much (PyTorch's pos_weight)
///
/// Undefined tensors stand for ones. `weight` [n]: of the cases.
struct LossInput {
  at::Tensor logits;
  at::Tensor target;
  at::Tensor weight = {};
  at::Tensor class_weights = {};
};

struct LossOptions {
  double smoothing = 0;  ///< label smoothing: this share of the truth is spread over all
                         ///< classes (binary: over yes and no)
  double gamma = 2;      ///< focal: how much easy cases count less
  double alpha = -1;  ///< focal-binary: share of present labels in 0 … 1, absent ones count 1 -
                      ///< alpha; below 0: all the same
};

/// All losses are scalars: the sum over the cases, divided by the sum of their weights (with
/// class weights: those of the true classes, as PyTorch divides; binary: known labels times
/// case weights). Without a known case: 0, and a gradient of 0. Throw Error{bug} on sizes that
/// do not fit together.

/// Softmax cross-entropy (Szegedy et al. 2016 for the smoothing).
at::Tensor cross_entropy(LossInput const& input, LossOptions const& options = {});
/// (1 - p) ^ gamma times cross-entropy, p the probability of the true class (Lin et al. 2017).
at::Tensor focal(LossInput const& input, LossOptions const& options = {});
/// Sigmoid cross-entropy of each label for itself.
at::Tensor binary_cross_entropy(LossInput const& input, LossOptions const& options = {});
/// The focal form of it.
at::Tensor binary_focal(LossInput const& input, LossOptions const& options = {});

/// One row for each loss a plan can name. Add yours in loss.cpp: the tests of all rows read
/// this table.
struct LossRow {
  std::string_view name, does;
  at::Tensor (*compute)(LossInput const& input, LossOptions const& options);
  bool binary = false;  ///< each class is a question of its own
};
std::span<LossRow const> losses();
/// Throws Error{usage} with the nearest name.
LossRow const& loss_named(std::string_view name);

}  // namespace fovea
