#pragma once

#include "base/core/json.hpp"
#include "learn/metric/rows.hpp"

#include <string>
#include <vector>

namespace fovea {

/// A threshold and the rule that chose it: a case is called positive when its score is at least
/// `threshold`.
struct OperatingPoint {
  std::string of;        ///< the class
  std::string rule;      ///< "highest Youden", "sensitivity 0.95", "specificity 0.95"
  double threshold = 0;  ///< NaN if there is none
  std::string why;       ///< why there is none
};

struct OperatingTargets {
  double sensitivity = 0.95;
  double specificity = 0.95;
};

/// Chosen on validation cases, never on test cases:
/// - highest Youden: the largest sensitivity + specificity - 1 (Youden 1950); of equals the
/// highest
///   threshold; none if no threshold is better than chance
/// - fixed sensitivity: the highest threshold that reaches it
/// - fixed specificity: the lowest threshold that keeps it; none if only "never positive" does
/// With one class only all three are undefined. Throws Error{usage} on targets outside (0, 1].
std::vector<OperatingPoint> choose_points(Binary const& validation,
                                          OperatingTargets const& targets = {});

/// What a point achieves on cases that it was not chosen on; Wilson's intervals.
struct AtPoint {
  OperatingPoint point;
  Interval sensitivity, specificity;
  Interval ppv, npv;  ///< at the share of positives among these cases
  std::int64_t tp = 0, fp = 0, fn = 0, tn = 0;
};
AtPoint at_point(Binary const& test, OperatingPoint const& point);

/// {"class","rule","threshold","sensitivity":{…},"specificity":{…},"ppv":{…},"npv":{…},"tp",…}
Json to_json(AtPoint const& at);

}  // namespace fovea
