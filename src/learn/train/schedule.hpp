#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace fovea {

/// How the learning rate goes over a run. Add yours as a row in schedule.cpp.
struct ScheduleRow {
  std::string_view name, does;
  /// The factor of the learning rate at `progress` 0 … 1 of all steps; the first `warm_up` of
  /// them rise from 0 in a straight line.
  double (*factor)(double progress, double warm_up);
  bool follows_scores = false;  ///< the engine also cuts the rate when the score stands still
};
std::span<ScheduleRow const> schedules();
/// Throws Error{usage} with the nearest name.
ScheduleRow const& schedule_named(std::string_view name);

/// From step `at` on, `steps` is the total: what a run decides that turns out slower than its
/// plan.
struct Shortening {
  std::int64_t at = 0;
  std::int64_t steps = 0;
  bool operator==(Shortening const&) const = default;
};

/// How far a run is. A pure function of the planned steps and the shortenings, so that a plan
/// which states both repeats the run. After a shortening the progress made is kept and the rest
/// runs faster: the learning rate does not jump.
class Timeline {
 public:
  /// Throws Error{usage} unless steps >= 1 and the shortenings follow each other and end at or
  /// after the step at which they begin.
  Timeline(std::int64_t steps, std::vector<Shortening> const& shortenings);

  /// The number of steps, as known at `step`.
  std::int64_t total(std::int64_t step) const;
  /// In the middle of `step` (the first is 0): neither the first nor the last step has the
  /// schedule's end value, which would waste it.
  double progress(std::int64_t step) const;

 private:
  struct Part {
    std::int64_t from = 0;
    double progress = 0;  ///< at `from`
    std::int64_t total = 0;
    double at(double step) const;
  };
  Part const& part(std::int64_t step) const;
  std::vector<Part> parts_;
};

/// Cuts a rate when scores stand still (Keras' ReduceLROnPlateau): after `after` validations in
/// a row that did not set a new best, the rate is multiplied by `factor` and counting begins
/// anew.
struct Plateau {
  std::int64_t after = 3;
  double factor = 0.2;
  std::int64_t still = 0;  ///< validations since the last new best or cut
  double scale = 1;        ///< of the rate, so far

  void heard(bool new_best);
};

}  // namespace fovea
