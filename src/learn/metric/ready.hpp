#pragma once

#include "learn/metric/rows.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace fovea {

/// Edges of the bins of calibration: bin b holds what is above b / 15 and at most (b + 1) / 15.
constexpr std::size_t calibration_bins = 15;
std::size_t calibration_bin(double confidence);

/// Rows looked at once, so that each of 2000 draws of patients costs one pass without a sort.
/// Keeps a reference to the rows, which must outlive it.
class ReadyRows {
 public:
  /// Throws as check() does.
  explicit ReadyRows(ClassRows const& rows);

  ClassRows const& rows;
  std::size_t cases, classes;

  /// 1 yes, 0 no, -1 unknown: is this case of this class?
  int truth(std::size_t one, std::size_t which) const {
    if (rows.multi_label) return rows.truth[one * classes + which];
    auto const label = rows.truth[one];
    return label < 0 ? -1 : static_cast<int>(label == static_cast<std::int32_t>(which));
  }
  /// The model's answer: the most probable class (the first of equals), or, multi-label, 1/2 or
  /// more.
  bool found(std::size_t one, std::size_t which) const {
    return rows.multi_label ? rows.probabilities[one * classes + which] >= 0.5
                            : top[one] == static_cast<std::int32_t>(which);
  }

  std::vector<std::int32_t> top;  ///< the most probable class by case; empty if multi-label

  /// The known cases of one class against the rest, by falling score; the last of those with
  /// equal scores is marked.
  struct Ranked {
    std::uint32_t one;
    bool positive, last_of_equals;
  };
  std::vector<std::vector<Ranked>> falling;  ///< by class
  std::vector<Ranked>
      pooled;  ///< of all classes together: micro averages; empty for two classes

  /// Classes with known positives and known negatives: macro averages are over these.
  std::vector<std::size_t> in_play;
  /// "no case of 'a', 'b'": which classes are left out of averages; empty if none is.
  std::string left_out;

  /// Losses and calibration have one column (single label: of the most probable class) or one
  /// for each class (multi-label). Row-major [case, column].
  struct Judged {
    bool known;
    std::uint8_t bin;  ///< of the confidence
    bool right;  ///< single label: the most probable class is the true one; multi-label: the
                 ///< case is positive
    double confidence;  ///< single label: of the most probable class; multi-label: of being
                        ///< positive
    double squared;     ///< Brier's; see brier()
    double logged;      ///< minus the logarithm of the truth's probability
  };
  std::size_t columns;
  std::vector<Judged> judged;

  /// Whether this row answers for one positive class (the second of two) rather than by
  /// averages.
  bool two_classes() const { return !rows.multi_label && classes == 2; }
};

/// Outcomes of one class against the rest; sums of weights, so whole numbers only in whole
/// ones.
struct Counts {
  double tp = 0, fp = 0, fn = 0, tn = 0;
};

/// The same rows with each case counted `weight` times: what a bootstrap draws.
struct Drawn {
  Drawn(ReadyRows const& made, std::span<double const> weight);

  ReadyRows const& made;
  std::span<double const> weight;  ///< by case
  std::vector<Counts> counts;      ///< by class
  double known = 0;                ///< weight of the labels whose truth is known
  double right = 0;                ///< of these, that the model answered rightly
};

}  // namespace fovea
