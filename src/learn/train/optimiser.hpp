#pragma once

#include "learn/train/learner.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fovea {

/// The numbers of one step for one weight.
struct StepNumbers {
  double rate = 0;   ///< learning rate now
  double decay = 0;  ///< weight decay; 0 for weights that do not decay
  double l1 = 0;     ///< 0 for weights that do not decay
  double momentum = 0;
  double beta1 = 0, beta2 = 0, epsilon = 0;
  double correction1 = 1, correction2 = 1;  ///< 1 - beta ^ updates
  double scale = 1;                         ///< of the gradient: clipping
  double average_share = 0;  ///< of the new value in the moving average; 0: no average
};

/// One piece of a weight: plain pointers to `count` floats each; null where there is nothing.
struct StepPiece {
  float* weight = nullptr;
  float* gradient = nullptr;  ///< may be overwritten
  float* moment1 = nullptr;
  float* moment2 = nullptr;
  float* average = nullptr;
  std::int64_t count = 0;
};

/// All tensors of one weight.
struct StepTensors {
  at::Tensor weight, gradient, moment1, moment2, average;
};

/// One row for each optimiser a plan can name.
struct OptimiserRow {
  std::string_view name, does;
  int moments = 0;  ///< tensors of state for each weight
  void (*move)(StepPiece const& piece,
               StepNumbers const& numbers);  ///< float32 on the CPU: one pass
  void (*move_any)(StepTensors const& tensors,
                   StepNumbers const& numbers);  ///< any type and device
};
std::span<OptimiserRow const> optimisers();
/// Throws Error{usage} with the nearest name.
OptimiserRow const& optimiser_named(std::string_view name);

/// A tensor by name, as checkpoints know it.
struct Kept {
  std::string name;
  at::Tensor value;
};

/// Moves the weights of one group along their gradients and keeps the optimiser's state and the
/// moving average. The steps equal torch.optim's SGD (nesterov), Adam and AdamW: `weight_decay`
/// is decoupled for adamw and a part of the gradient for the others; it and `l1` act only on
/// weights that decay, and after clipping.
class GroupMover {
 public:
  /// `average`: decay of the moving average; 0: none.
  /// Throws Error{usage} on numbers out of range and unknown names, Error{bug} on weights that
  /// are not floating point, are named twice or do not ask for a gradient.
  GroupMover(Group group, double average);

  /// Differentiates `loss` by this group's weights only, clips, steps, averages.
  /// Throws Error{input} if the loss or the clipped norm is not a finite number.
  void update(at::Tensor const& loss, double rate);

  /// Takes the buffers into their average: once after each step.
  void average_buffers();
  /// Exchanges weights and buffers with their averages (if there are any), in place.
  void swap_averages();

  Group const& group() const { return group_; }
  std::int64_t updates() const { return updates_; }
  void updates(std::int64_t count) { updates_ = count; }

  /// Moments and averages: "moment1/GROUP/NAME", …
  std::vector<Kept> state() const;

 private:
  double average_share() const;
  void backward(at::Tensor const& loss);
  double clip_scale(double l2_norm) const;
  void step_fused(std::vector<std::size_t> const& moved, double rate);
  void step_any(std::vector<std::size_t> const& moved, double rate);
  StepNumbers numbers(std::size_t weight, double rate) const;

  Group group_;
  OptimiserRow const* row_;
  double average_;
  std::int64_t updates_ = 0;
  double scale_ = 1;
  std::vector<at::Tensor> values_, moment1_, moment2_, averages_, buffer_averages_;
};

}  // namespace fovea
