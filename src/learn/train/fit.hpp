#pragma once

#include "base/core/file.hpp"
#include "learn/train/learner.hpp"

#include <functional>
#include <optional>

namespace fovea {

/// How long, how often, with what: all that the engine needs to know. A plan's keys fill it.
struct Fit {
  std::uint64_t seed = 0;
  std::int64_t batch_size = 32;
  std::int64_t steps_per_epoch = 100;
  std::int64_t steps = 0;             ///< in all; 0: as many as fit into `seconds`
  double seconds = 0;                 ///< wall time for everything between the call and its end; 0: no limit
  double reserve = 0;                 ///< of `seconds`, kept free for what the caller does afterwards (evaluation, report)
  std::int64_t validate_every = 0;    ///< steps; 0: each epoch, and seldom enough that validating takes at most a tenth of the time
  int loader_threads = 1;
  double average = 0;                 ///< decay of the exponential moving average of weights and buffers; 0: none
  std::int64_t patience = 0;          ///< validations without a better score until it stops early; 0: never
  double checkpoint_seconds = 45;     ///< at most so much work can be lost
  bool keep_best = true;              ///< end with the weights of the best validation; else with the last
  std::string run_as;                 ///< one of the learner's ways_to_run(); empty: probe
  /// Earlier shortenings of the schedule, so that a plan repeats a run that had to be shortened: from step `at` on, `steps` is the total.
  struct Shortening {
    std::int64_t at = 0;
    std::int64_t steps = 0;
  };
  std::vector<Shortening> shortenings;

  fs::path folder;                    ///< for checkpoints and history.csv; empty: nothing is written
  bool resume = false;                ///< go on from the last checkpoint there; from the start if there is none
  Stop const* stop = nullptr;
  bool quiet = false;                 ///< no progress line

  /// Called when a choice was made that the plan must state: "run_as", "steps", "shortenings", "validate_every".
  std::function<void(std::string_view key, std::string const& value, std::string const& reason)> chose;
};

struct Fitted {
  std::int64_t steps = 0;               ///< taken in all
  std::int64_t best_step = 0;           ///< of the best validation
  Scores best;
  double seconds = 0;                   ///< of training and validation, over all resumes
  double samples_per_second = 0;        ///< while training
  double loader_share = 0;              ///< of the time that steps waited for samples
  bool stopped_early = false;           ///< by patience
  bool interrupted = false;             ///< by `stop`; saved
};

/// Trains. What it leaves in the learner are the best (or last) weights, averaged if so asked.
/// In `folder`: checkpoints/last.fovea-checkpoint (written atomically), history.csv (a row each validation).
///
/// Same seed, threads, precision and machine: the same weights bit for bit, also when killed and resumed.
/// Throws Error{usage} on numbers that make no sense, Error{resource} if the disk is full (the last checkpoint stays good),
/// Error{input} if a checkpoint does not belong to this learner.
Fitted fit(Learner& learner, Fit const& options);

struct OptimiserRow { std::string_view name, does; };
std::span<OptimiserRow const> optimisers();
struct ScheduleRow {
  std::string_view name, does;
  double (*factor)(double progress, double warm_up);   ///< of the learning rate, at progress 0 … 1
};
std::span<ScheduleRow const> schedules();

}  // namespace fovea
