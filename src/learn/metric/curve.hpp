#pragma once

#include "learn/metric/ready.hpp"
#include "learn/metric/statistics.hpp"

#include <vector>

namespace fovea {

/// A place on a ROC or precision-recall curve: what is called positive when the score is at
/// least `threshold`.
struct CurvePoint {
  double threshold;  ///< infinity where nothing is called positive
  Counts counts;
};

/// By falling threshold, one for each score that occurs, beginning with infinity. As
/// scikit-learn's roc_curve(drop_intermediate=False): x is fp / (fp + tn), y is tp / (tp + fn).
/// Undefined rates (no positives, say) are the caller's to notice: the counts are what they
/// are.
std::vector<CurvePoint> curve(Binary const& rows);

/// Area under the ROC curve, by the rank of positives among negatives, ties counted half (Mann
/// and Whitney): the probability that a positive case has the higher score. Undefined without
/// positives or without negatives.
Value auc(Binary const& rows);
Value auc(Drawn const& draw, std::size_t which);
Value auc_pooled(Drawn const& draw);  ///< micro: all labels of all classes as one ranking

/// The sum of (recall_n - recall_n-1) * precision_n, without interpolation, as scikit-learn's
/// average_precision_score. Undefined without positives.
Value average_precision(Binary const& rows);
Value average_precision(Drawn const& draw, std::size_t which);
Value average_precision_pooled(Drawn const& draw);

}  // namespace fovea
