#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fovea {

/// A value with its 95 % interval. Undefined values (one class only, no positives) are not
/// invented: `defined` is false, value and bounds are NaN, and `why` says what is missing.
/// Where only the interval cannot be had (one patient, say), the bounds alone are NaN and `why`
/// says so.
struct Interval {
  double value = 0;
  double low = 0, high = 0;
  bool defined = true;
  std::string why = {};     ///< what is missing; empty if nothing is
  std::string method = {};  ///< "DeLong", "Wilson", "bootstrap by patient, 2000 draws"
};

/// Truth and finding of classified cases: all that classification metrics need. Row-major
/// [case, class].
struct ClassRows {
  std::vector<std::string> classes;
  std::vector<std::string> ids;  ///< by case
  /// By case: which patient; the intervals take cases of one patient together. Empty: each case
  /// is a patient of its own.
  std::vector<std::int64_t> groups;
  std::vector<double>
      probabilities;  ///< [case, class]; with one label a case each row sums to 1
  /// One label a case: [case], a class or -1; multi-label: [case, class] of 0, 1 or -1. What is
  /// -1 (unknown) is left out.
  std::vector<std::int32_t> truth;
  bool multi_label = false;

  std::size_t cases() const { return ids.size(); }
};

/// Throws Error{input} if sizes do not agree, a class is missing, a truth is none of the
/// classes, a probability is no number or outside [0, 1], or a row of a single-label set does
/// not sum to 1 (within 0.001). All functions of this folder that take ClassRows check first.
void check(ClassRows const& rows);

/// One class against the rest, over the cases whose truth is known.
struct Binary {
  std::string name;  ///< of the class
  std::vector<double> score;
  std::vector<std::uint8_t> positive;
  std::vector<std::int64_t> groups;  ///< as in ClassRows, may be empty

  std::size_t positives() const;
  std::size_t negatives() const { return score.size() - positives(); }
};
Binary one_against_rest(ClassRows const& rows, std::size_t which);

/// Patients as 0, 1, 2, … in order of first appearance; each case its own where `groups` is
/// empty.
std::vector<std::size_t> patients(std::vector<std::int64_t> const& groups, std::size_t cases);

}  // namespace fovea
