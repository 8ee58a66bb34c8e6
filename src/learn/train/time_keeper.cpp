#include "learn/train/time_keeper.hpp"

#include <algorithm>

namespace fovea {

void TimeKeeper::begin(double now, std::int64_t step) {
  planned_at_ = checked_at_ = now;
  planned_step_ = checked_step_ = step;
}

void TimeKeeper::validated(double took) {
  validating_ += took;
  validating_lately_ += took;
}

std::optional<TimeKeeper::Correction> TimeKeeper::correct(double now,
                                                          double allowed,
                                                          std::int64_t step,
                                                          std::int64_t total,
                                                          std::int64_t validate_every,
                                                          Pace& pace,
                                                          int& lengthened) {
  auto const left = limit * allowed - now;
  auto const window = allowed / 40;
  auto const near_the_end = left < window + 1.2 * pace.validation;
  if (now - checked_at_ < window && !near_the_end) return std::nullopt;
  measure(now, step, pace);
  auto const ahead = seconds_of_steps(pace, total - step, validate_every);
  if (ahead > left)
    return Correction{steps_that_fit(pace, 0.98 * left, validate_every),
                      "it runs slower than planned"};
  // The first steps are slower than the rest, and a busy machine may become free again: what
  // that saved is used, as long as there is enough left to learn from it. A few times at most,
  // so that the plan stays readable.
  constexpr int times = 8;
  auto const useful = now > 0.1 * allowed && now < 0.7 * allowed;
  if (!useful || lengthened >= times || ahead > 0.9 * left) return std::nullopt;
  ++lengthened;
  return Correction{steps_that_fit(pace, aim * left, validate_every),
                    "it runs faster than planned"};
}

// Between the mean since the plan was made and what it is lately.
void TimeKeeper::measure(double now, std::int64_t step, Pace& pace) {
  auto const lately = step - checked_step_;
  if (lately < 1) return;
  auto const mean =
      (now - planned_at_ - validating_) / static_cast<double>(step - planned_step_);
  auto const late = (now - checked_at_ - validating_lately_) / static_cast<double>(lately);
  pace.step = std::max(1e-9, 0.5 * (mean + late));
  checked_at_ = now;
  checked_step_ = step;
  validating_lately_ = 0;
}

}  // namespace fovea
