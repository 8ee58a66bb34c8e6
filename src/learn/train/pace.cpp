#include "learn/train/pace.hpp"

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

// The last validation must fit even if it is slower than those before.
constexpr double pace_last_validation = 1.15;
constexpr double pace_limit = 1e12;

}  // namespace

std::int64_t steps_between_validations(Pace pace,
                                       double seconds,
                                       std::int64_t steps_per_epoch) {
  auto const epoch = static_cast<double>(steps_per_epoch);
  auto const steps =
      std::max(1.0, (seconds - pace.validation * pace_last_validation) / pace.step);
  auto const tenth_of_time = 9 * pace.validation / pace.step;
  auto const every = std::max({tenth_of_time, std::min(epoch, steps / 10), steps / 100, 1.0});
  auto const whole = every > epoch ? std::ceil(every / epoch) * epoch : std::ceil(every);
  return static_cast<std::int64_t>(std::min(whole, pace_limit));
}

std::int64_t steps_that_fit(Pace pace, double seconds, std::int64_t validate_every) {
  auto const each = pace.step + pace.validation / static_cast<double>(validate_every);
  auto const steps = (seconds - pace_last_validation * pace.validation) / each;
  return static_cast<std::int64_t>(std::clamp(std::floor(steps), 0.0, pace_limit));
}

double seconds_of_steps(Pace pace, std::int64_t steps, std::int64_t validate_every) {
  auto const each = pace.step + pace.validation / static_cast<double>(validate_every);
  return static_cast<double>(steps) * each + pace_last_validation * pace.validation;
}

}  // namespace fovea
