#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fovea {

/// A value with its 95 % interval. Undefined values (one class only, no positives) are not invented: `defined` is false,
/// value and bounds are NaN, and `why` says what is missing.
struct Interval {
  double value = 0;
  double low = 0, high = 0;
  bool defined = true;
  std::string why;        ///< only if not defined
  std::string method;     ///< "DeLong", "Wilson", "bootstrap by patient, 2000 draws"
};

/// Truth and finding of classified cases: all that classification metrics need. Row-major [case, class].
struct ClassRows {
  std::vector<std::string> classes;
  std::vector<std::string> ids;            ///< by case
  std::vector<std::int64_t> groups;        ///< by case: which patient; the bootstrap draws these
  std::vector<double> probabilities;       ///< [case, class]; with one label a case each row sums to 1
  std::vector<std::int32_t> truth;         ///< one label a case: [case]; multi-label: [case, class] of 0, 1, -1 (unknown, left out)
  bool multi_label = false;

  std::size_t cases() const { return ids.size(); }
};

}  // namespace fovea
