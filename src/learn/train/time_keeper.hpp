#pragma once

#include "learn/train/pace.hpp"

#include <optional>
#include <string_view>

namespace fovea {

/// Holds a run to its time: compares what steps and validations take with what is left, and
/// says when the schedule must become shorter or may become longer. Times are seconds since the
/// run began.
class TimeKeeper {
 public:
  /// Plans aim a little below the time that they have, and are corrected only beyond it.
  static constexpr double aim = 0.97, limit = 0.99;

  void begin(double now, std::int64_t step);
  void validated(double took);

  struct Correction {
    std::int64_t more = 0;  ///< steps from here to the end
    std::string_view reason;
  };
  /// After each step. Brings `pace` up to date now and then; counts into `lengthened`.
  std::optional<Correction> correct(double now,
                                    double allowed,
                                    std::int64_t step,
                                    std::int64_t total,
                                    std::int64_t validate_every,
                                    Pace& pace,
                                    int& lengthened);

 private:
  void measure(double now, std::int64_t step, Pace& pace);

  double planned_at_ = 0, checked_at_ = 0;
  std::int64_t planned_step_ = 0, checked_step_ = 0;
  double validating_ = 0, validating_lately_ = 0;  // since then
};

}  // namespace fovea
