#pragma once

#include "base/core/file.hpp"
#include "learn/train/learner.hpp"
#include "learn/train/optimiser.hpp"
#include "learn/train/schedule.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace fovea {

/// How long, how often, with what: all that the engine needs to know. A plan's keys fill it.
struct Fit {
  std::uint64_t seed = 0;
  std::int64_t batch_size = 32;
  std::int64_t steps_per_epoch = 100;
  /// In all; 0: as many as fit into `seconds`, which is not looked at otherwise: a plan that
  /// states its steps is a plan that repeats.
  std::int64_t steps = 0;
  double seconds = 0;  ///< wall time between the call and its end; 0: no limit
  /// Keep to `seconds` although `steps` are given: they become fewer where the time runs short.
  bool shorten = false;
  double reserve =
      0;  ///< of `seconds`, kept free for what the caller does afterwards (evaluation, report)
  double reserve_validations =
      0;  ///< and so many times what a validation takes: for work that grows as that does
  /// Steps between validations (there is always one at the end). 0: each epoch, or several
  /// epochs so that it is at most 100 times; where the steps follow from `seconds`, also seldom
  /// enough that validating takes about a tenth of the time at most.
  std::int64_t validate_every = 0;
  int loader_threads = 1;  ///< 0: samples are made between the steps
  double average =
      0;  ///< decay of the exponential moving average of weights and buffers; 0: none
  std::int64_t patience =
      0;  ///< validations without a better score until it stops early; 0: never
  double checkpoint_seconds = 45;  ///< at most so much work can be lost
  bool keep_best = true;    ///< end with the weights of the best validation; else with the last
  std::string run_as = {};  ///< one of the learner's ways_to_run(); empty: probe
  /// Earlier shortenings of the schedule, so that a plan repeats a run that had to be
  /// shortened.
  using Shortening = fovea::Shortening;
  std::vector<Shortening> shortenings = {};

  fs::path folder = {};  ///< for checkpoints and history.csv; empty: nothing is written
  bool resume =
      false;  ///< go on from the last checkpoint there; from the start if there is none
  Stop const* stop = nullptr;
  bool quiet = false;  ///< no progress

  /// Called when a choice was made that the plan must state: "run_as", "steps", "shortenings"
  /// ("at:steps, at:steps"), "validate_every".
  std::function<void(std::string_view key, std::string const& value, std::string const& reason)>
      chose = {};
  /// Seconds since some start; empty: the wall clock. For tests; called from more than one
  /// thread.
  std::function<double()> clock = {};
};

struct Fitted {
  std::int64_t steps = 0;      ///< taken in all
  std::int64_t best_step = 0;  ///< of the best validation
  Scores best, last;
  double seconds = 0;             ///< of training and validation, over all resumes
  double samples_per_second = 0;  ///< while training
  double loader_share = 0;        ///< of the time of training in which steps waited for samples
  bool stopped_early = false;     ///< by patience
  bool interrupted = false;       ///< by `stop`; saved
};

/// Trains. What it leaves in the learner are the best (or last) weights, averaged if so asked.
/// In `folder`: checkpoints/last.fovea-checkpoint (written atomically), history.csv (a row each
/// validation).
///
/// Same seed, threads, precision and machine: the same weights bit for bit, also when killed
/// and resumed. Throws Error{usage} on numbers that make no sense, Error{resource} if the disk
/// is full (the last checkpoint stays good), Error{input} if a checkpoint does not belong to
/// this learner and these options, or if a loss is not finite.
Fitted fit(Learner& learner, Fit const& options);

/// Throws Error{usage} on numbers that make no sense; fit() begins with it.
void expect_sense(Fit const& options);

/// "120:300, 280:290", as `chose` writes them and a plan keeps them; and back.
std::string spelled(std::vector<Shortening> const& shortenings);
/// Throws Error{usage} on anything else.
std::vector<Shortening> shortenings_of(std::string_view words);

}  // namespace fovea
