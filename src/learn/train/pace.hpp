#pragma once

#include <cstdint>

namespace fovea {

/// What things cost, in seconds, as measured.
struct Pace {
  double step = 0;  ///< with the wait for its samples, and its part of the checkpoints
  double validation = 0;
};

/// How often to validate in a run that has `seconds` left: each epoch, or ten times if epochs
/// are longer than that; but at most about a tenth of the time and a hundred times. In steps;
/// whole epochs where it is more than one.
std::int64_t steps_between_validations(Pace pace, double seconds, std::int64_t steps_per_epoch);

/// Steps that fit into `seconds` with a validation each `validate_every` steps and one at the
/// end, for which a reserve is kept; at least 0.
std::int64_t steps_that_fit(Pace pace, double seconds, std::int64_t validate_every);

/// How long `steps` take with their validations.
double seconds_of_steps(Pace pace, std::int64_t steps, std::int64_t validate_every);

}  // namespace fovea
