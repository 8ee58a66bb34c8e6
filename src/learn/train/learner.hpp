#pragma once

#include "base/core/json.hpp"
#include "base/core/stop.hpp"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fovea {

/// Tensors by name: "image", "target", "weight"; ragged things as values and "offsets".
using Batch = std::map<std::string, at::Tensor, std::less<>>;

/// The key of a sample's randomness: the same sample for any number of threads. `index` is the
/// place in the batch.
struct Slot {
  std::uint64_t seed = 0;
  std::int64_t step = 0;
  std::int64_t index = 0;
};

/// A weight and whether weight decay acts on it (not on norms and biases).
struct Weight {
  std::string name;
  at::Tensor value;
  bool decays = true;
};

/// How one group of weights is moved. Defaults are the plan's, not the engine's: the task says.
struct Optimiser {
  std::string kind = "adamw";   ///< a row of optimisers(): "sgd" (Nesterov), "adam", "adamw"
  double learning_rate = 1e-3;  ///< at the top of the schedule
  double weight_decay = 0;
  double momentum = 0.9;                              ///< of sgd
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;  ///< of adam and adamw
  double l1 = 0;                                      ///< adds l1 * sign(w) to the gradient
  double clip = 0;  ///< largest norm of the group's gradient; 0: no clipping
  std::string schedule =
      "cosine";  ///< a row of schedules(): "constant", "cosine", "poly", "one-cycle", "plateau"
  double warm_up = 0.05;  ///< share of the steps
  std::int64_t plateau_after =
      3;  ///< of the schedule "plateau": validations without a new best until the rate is cut
  double plateau_factor = 0.2;  ///< what it is multiplied with then
};

/// Weights that one optimiser owns: {"net"}, {"generator", "critic"}, {"actor", "value"}.
struct Group {
  std::string name;
  std::vector<Weight> weights;
  std::vector<Weight>
      buffers;  ///< kept with the weights (running means): averaged, stored, not learnt
  Optimiser optimiser = {};
};

/// Backward, clipping, optimiser step and averages of one group: update("critic", loss). Only
/// this group's weights get a gradient. The tape of the loss is used up: make each group's loss
/// anew.
class Update {
 public:
  virtual ~Update() = default;
  virtual void operator()(std::string_view group, at::Tensor const& loss) = 0;
};

using Losses = std::map<std::string, double, std::less<>>;  ///< by name; "loss" is the one that
                                                            ///< the progress line shows
struct Score {
  std::string name;
  double value = 0;
  bool higher_is_better = true;
};
using Scores = std::vector<Score>;  ///< the first is the one to choose by

/// What a learner keeps beside its weights (replay buffer, target network, image pool,
/// generator states): written into and read back from checkpoints by name. One function does
/// both directions, so that they cannot drift apart.
class Archive {
 public:
  virtual ~Archive() = default;
  virtual bool reading() const = 0;
  virtual void tensor(std::string_view name, at::Tensor& value) = 0;
  virtual void json(std::string_view name, Json& value) = 0;
};

/// All that the engine knows of a task. Supervised, adversarial, diffusion, survival and agent
/// training fit it.
class Learner {
 public:
  virtual ~Learner() = default;
  /// The same tensors each time, but that run_as() may have given them another memory format.
  virtual std::vector<Group> groups() = 0;

  /// One sample, without a batch axis; the engine stacks them. Called from loader threads at
  /// once, in any order: the same slot must give the same sample (so no random numbers of
  /// LibTorch, which are one stream for all threads: Rng of the slot). In loader threads
  /// LibTorch keeps no tape and works on that thread alone. Learners that act are called in
  /// order from one thread, between their steps; for them LibTorch's generator is seeded by
  /// (seed, step) first.
  virtual Batch sample(Slot slot) = 0;
  /// Makes one batch of the samples, in a loader thread; stacks tensors of one name along a new
  /// first axis.
  virtual Batch collate(std::vector<Batch> samples);
  virtual bool acts() const { return false; }

  /// LibTorch's generator is seeded by (seed, step) before: dropout repeats itself, and
  /// resuming needs no state of it.
  virtual Losses step(Batch const& batch, Update& update) = 0;

  /// On the validation cases, with the weights as they stand (the engine has put averaged ones
  /// in place if there are any). When `stop` is asked it returns soon; the scores are then not
  /// used. None: there is nothing to validate on.
  virtual Scores validate(Stop const& stop) = 0;

  /// Also called around trial steps (which way is fastest, how long a step takes): all that a
  /// step changes must be here or in groups().
  virtual void state(Archive&) {}

  /// Precision, memory format, executor: names that the probe may choose among, best guess
  /// first; the engine times a few steps with each and calls `run_as` with the winner, which
  /// the plan then states.
  virtual std::vector<std::string> ways_to_run() { return {}; }
  virtual void run_as(std::string_view) {}
};

}  // namespace fovea
