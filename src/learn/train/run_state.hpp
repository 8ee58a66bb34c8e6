#pragma once

#include "base/core/json.hpp"
#include "learn/train/learner.hpp"
#include "learn/train/pace.hpp"
#include "learn/train/schedule.hpp"

#include <string>
#include <vector>

namespace fovea {

/// Where a run is, in words: all that it needs to go on beside tensors, optimisers and history.
struct RunState {
  // What was chosen at the start, or changed since.
  std::string run_as;
  std::int64_t steps = 0;
  bool budgeted = false;  ///< the steps follow from the time, and change where it runs short
  std::int64_t validate_every = 0;
  std::vector<Shortening> shortenings;

  std::int64_t step = 0;       ///< steps done
  std::int64_t validated = 0;  ///< after this step
  double seconds = 0;          ///< until here, over all processes
  double training_seconds = 0, waiting_seconds = 0;
  Pace pace = {};
  double last_rate = 0;
  Scores best = {}, last_scores = {};
  std::int64_t best_step = 0;
  std::int64_t still = 0;  ///< validations since the best
  bool stopped_early = false;
  int lengthened = 0;  ///< so often the steps became more
};

Json to_json(RunState const& state);
/// Throws Json::exception where something is missing or of another type.
RunState run_state_from(Json const& json);

}  // namespace fovea
