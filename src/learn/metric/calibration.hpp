#pragma once

#include "learn/metric/ready.hpp"
#include "learn/metric/statistics.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace fovea {

/// Expected calibration error (Guo et al., ICML 2017): over 15 bins of equal width, how far the
/// mean confidence is from the share that was right, weighted by the cases. Confidence is that
/// of the most probable class; multi-label: the probability of being positive, averaged over
/// the classes.
Value expected_calibration_error(Drawn const& draw);

/// Mean squared error of the probabilities (Brier 1950). Two classes: of the second one's, in
/// [0, 1]. More: summed over the classes, in [0, 2]. Multi-label: averaged over the classes, in
/// [0, 1]. As scikit-learn's brier_score_loss.
Value brier(Drawn const& draw);

/// Mean of minus the natural logarithm of the probability that the truth was given, which is
/// clipped to [2.2e-16, 1 - 2.2e-16] as in scikit-learn's log_loss. Multi-label: averaged over
/// the classes.
Value log_loss(Drawn const& draw);

/// One mark of a reliability diagram.
struct ReliabilityBin {
  double low, high;          ///< of the confidence: above low, at most high
  double confidence, share;  ///< means: what was promised, what came true
  std::int64_t cases;
};
/// The bins that hold cases, of the most probable class's confidence. Throws Error{bug} on
/// multi-label rows: ask for one class.
std::vector<ReliabilityBin> reliability(ClassRows const& rows);
/// The same of one class's probability: how many of those said to have it with 70 % have it.
std::vector<ReliabilityBin> reliability(Binary const& rows);

/// One number that all logits are divided by so that probabilities mean what they say (Guo et
/// al., 2017). It changes no ranking and no most probable class.
struct Temperature {
  double value = 1;              ///< above 1: the model was too sure
  double before = 0, after = 0;  ///< mean negative log likelihood on the cases it was fitted on
  std::string why;               ///< why it stayed at 1, or at the hot end of its range
};

inline constexpr double hottest_temperature = 20;

/// Minimises the negative log likelihood, which is convex in 1 / temperature, within [0.1,
/// 20]; stays at 1 where only ever surer answers would fit better. Fit it on validation cases,
/// never on test cases.
///
/// In      logits, row-major [case, class]; truth as in ClassRows; with one label a case the
///         probabilities are their softmax, multi-label their sigmoids
/// Throws  Error{input} if sizes do not agree or a logit is not finite
Temperature fit_temperature(std::vector<double> const& logits,
                            std::vector<std::int32_t> const& truth,
                            std::size_t classes,
                            bool multi_label);

/// Softmax (one label a case) or sigmoid (multi-label) of logits / temperature; row-major.
std::vector<double> probabilities_of(std::vector<double> const& logits,
                                     std::size_t classes,
                                     bool multi_label,
                                     double temperature = 1);

}  // namespace fovea
