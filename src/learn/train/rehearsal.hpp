#pragma once

#include "learn/train/fit.hpp"
#include "learn/train/pace.hpp"

#include <functional>
#include <string>
#include <vector>

namespace fovea {

/// What one way to run took, per step.
struct Timed {
  std::string way;
  double seconds = 0;
};

/// The fastest; but one whose name contains "bfloat16" only if it is at least 1.2 times as fast
/// as the fastest other, because it costs precision. `timed` is not empty.
Timed const& fastest(std::vector<Timed> const& timed);
/// "float32: 12.1 ms, bfloat16: 6.2 ms a step".
std::string in_words(std::vector<Timed> const& timed);

/// Tries things on a learner and puts it back as it was, bit for bit.
class Rehearsal {
 public:
  /// `clock` says seconds; `seconds`: what the whole run may take, 0 if it has no limit.
  Rehearsal(Learner& learner,
            Fit const& options,
            std::function<double()> clock,
            double seconds);

  /// Times each way to run for a few steps on the same batches. Gives up early where the time
  /// is short; the first way is then the best guess.
  std::vector<Timed> ways(std::vector<std::string> const& names);

  /// Takes steps as the run will (loader and all) for some seconds, and validates once. The
  /// validation is asked to stop when it takes too long to be tried, and then counts four
  /// times.
  Pace pace();

 private:
  bool stopped() const { return options_.stop != nullptr && options_.stop->asked(); }
  double limit(double share, double most) const;
  double validation();

  Learner& learner_;
  Fit const& options_;
  std::function<double()> clock_;
  double seconds_;
};

}  // namespace fovea
