#include "learn/metric/calibration.hpp"

#include "base/core/error.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

namespace fovea {
namespace {

constexpr char const* calibration_unknown = "no case whose truth is known";

/// The mean over columns of the weighted mean of `loss` in each; columns without any known case
/// in all rows are left out, those that only this draw misses make it undefined.
template <class Loss>
Value calibration_mean(Drawn const& draw, Loss const& loss) {
  auto const& made = draw.made;
  std::vector<double> sum(made.columns), known(made.columns);
  std::vector<std::uint8_t> there(made.columns);
  for (std::size_t i = 0; i < made.cases; ++i) {
    for (std::size_t c = 0; c < made.columns; ++c) {
      auto const& one = made.judged[i * made.columns + c];
      if (!one.known) continue;
      sum[c] += draw.weight[i] * loss(one);
      known[c] += draw.weight[i];
      there[c] = 1;
    }
  }
  double mean = 0;
  double columns = 0;
  for (std::size_t c = 0; c < made.columns; ++c) {
    if (there[c] == 0) continue;
    if (known[c] == 0) return undefined(calibration_unknown);
    mean += sum[c] / known[c];
    columns += 1;
  }
  return ratio(mean, columns, calibration_unknown);
}

struct CalibrationSum {
  double cases = 0, confidence = 0, right = 0;
};
using CalibrationSums = std::array<CalibrationSum, calibration_bins>;

double calibration_error(CalibrationSums const& sums) {
  double gap = 0;
  double cases = 0;
  for (auto const& bin : sums) {
    gap += std::abs(bin.confidence - bin.right);
    cases += bin.cases;
  }
  return gap / cases;
}

std::vector<ReliabilityBin> calibration_diagram(CalibrationSums const& sums) {
  std::vector<ReliabilityBin> out;
  for (std::size_t b = 0; b < sums.size(); ++b) {
    auto const& [cases, confidence, right] = sums[b];
    if (cases == 0) continue;
    out.push_back({.low = static_cast<double>(b) / calibration_bins,
                   .high = static_cast<double>(b + 1) / calibration_bins,
                   .confidence = confidence / cases,
                   .share = right / cases,
                   .cases = static_cast<std::int64_t>(cases)});
  }
  return out;
}

/// Logits with what they are judged by; the negative log likelihood and its slopes in beta,
/// which is 1 / temperature.
class CalibrationFit {
 public:
  CalibrationFit(std::vector<double> const& logits,
                 std::vector<std::int32_t> const& truth,
                 std::size_t classes,
                 bool multi_label)
      : logits_(logits), truth_(truth), classes_(classes), multi_(multi_label) {}

  struct At {
    double loss = 0, slope = 0, bend = 0, known = 0;
  };

  At at(double beta) const {
    At out;
    if (multi_) {
      for (std::size_t i = 0; i < logits_.size(); ++i)
        add_label(logits_[i], truth_[i], beta, out);
    } else {
      for (std::size_t i = 0; i < truth_.size(); ++i) {
        if (truth_[i] >= 0)
          add_case(std::span{logits_}.subspan(i * classes_, classes_),
                   static_cast<std::size_t>(truth_[i]), beta, out);
      }
    }
    return out;
  }

 private:
  static void add_label(double z, std::int32_t truth, double beta, At& out) {
    if (truth < 0) return;
    auto const x = beta * z;
    auto const positive = 1 / (1 + std::exp(-x));
    out.loss += std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))) - x * truth;
    out.slope += z * (positive - truth);
    out.bend += z * z * positive * (1 - positive);
    out.known += 1;
  }

  static void add_case(std::span<double const> z, std::size_t truth, double beta, At& out) {
    auto const largest = std::ranges::max(z);
    double sum = 0, first = 0, second = 0;
    for (auto const one : z) {
      auto const share = std::exp(beta * (one - largest));
      sum += share;
      first += share * (one - largest);
      second += share * (one - largest) * (one - largest);
    }
    auto const mean = first / sum;
    out.loss += std::log(sum) - beta * (z[truth] - largest);
    out.slope += mean - (z[truth] - largest);
    out.bend += second / sum - mean * mean;
    out.known += 1;
  }

  std::vector<double> const& logits_;
  std::vector<std::int32_t> const& truth_;
  std::size_t classes_;
  bool multi_;
};

void calibration_check(std::vector<double> const& logits,
                       std::vector<std::int32_t> const& truth,
                       std::size_t classes,
                       bool multi_label) {
  auto const cases = classes == 0 ? 0 : logits.size() / classes;
  if (classes == 0 || cases * classes != logits.size() ||
      truth.size() != (multi_label ? logits.size() : cases))
    throw Error{Fault::input,
                text("expected logits and labels of the same cases and ", classes,
                     " classes, got ", logits.size(), " and ", truth.size()),
                "give both of the same split"};
  for (auto const logit : logits) {
    if (!std::isfinite(logit))
      throw Error{Fault::input, text("expected finite logits, got ", logit),
                  "the model has diverged: train it with a lower learning rate"};
  }
  auto const most = multi_label ? 1 : static_cast<std::int32_t>(classes) - 1;
  for (auto const label : truth) {
    if (label < -1 || label > most)
      throw Error{Fault::input, text("expected labels from -1 to ", most, ", got ", label),
                  "-1 stands for unknown"};
  }
}

/// Newton's steps, kept inside the bracket by halving it: where the slope is 0.
double calibration_root(CalibrationFit const& fit, double low, double high) {
  auto beta = std::clamp(1.0, low, high);
  for (int step = 0; step < 200; ++step) {
    auto const here = fit.at(beta);
    (here.slope > 0 ? high : low) = beta;
    auto next = beta - here.slope / here.bend;
    if (!(next > low && next < high)) next = 0.5 * (low + high);
    if (std::abs(next - beta) <= 1e-15 * beta) return next;
    beta = next;
  }
  return beta;
}

}  // namespace

Value expected_calibration_error(Drawn const& draw) {
  auto const& made = draw.made;
  std::vector<CalibrationSums> sums(made.columns);
  std::vector<double> known(made.columns);
  std::vector<std::uint8_t> there(made.columns);
  for (std::size_t i = 0; i < made.cases; ++i) {
    auto const weight = draw.weight[i];
    for (std::size_t c = 0; c < made.columns; ++c) {
      auto const& one = made.judged[i * made.columns + c];
      if (!one.known) continue;
      auto& bin = sums[c][one.bin];
      bin.cases += weight;
      bin.confidence += weight * one.confidence;
      if (one.right) bin.right += weight;
      known[c] += weight;
      there[c] = 1;
    }
  }
  double mean = 0;
  double columns = 0;
  for (std::size_t c = 0; c < made.columns; ++c) {
    if (there[c] == 0) continue;
    if (known[c] == 0) return undefined(calibration_unknown);
    mean += calibration_error(sums[c]);
    columns += 1;
  }
  return ratio(mean, columns, calibration_unknown);
}

Value brier(Drawn const& draw) {
  return calibration_mean(draw, [](auto const& one) { return one.squared; });
}

Value log_loss(Drawn const& draw) {
  return calibration_mean(draw, [](auto const& one) { return one.logged; });
}

std::vector<ReliabilityBin> reliability(ClassRows const& rows) {
  if (rows.multi_label)
    throw Error{Fault::bug, "one reliability diagram of several labels was asked for",
                "ask for one class's"};
  ReadyRows const made{rows};
  CalibrationSums sums;
  for (auto const& one : made.judged) {
    if (!one.known) continue;
    auto& bin = sums[one.bin];
    bin.cases += 1;
    bin.confidence += one.confidence;
    bin.right += one.right ? 1 : 0;
  }
  return calibration_diagram(sums);
}

std::vector<ReliabilityBin> reliability(Binary const& rows) {
  CalibrationSums sums;
  for (std::size_t i = 0; i < rows.score.size(); ++i) {
    auto& bin = sums[calibration_bin(rows.score[i])];
    bin.cases += 1;
    bin.confidence += rows.score[i];
    bin.right += rows.positive[i];
  }
  return calibration_diagram(sums);
}

Temperature fit_temperature(std::vector<double> const& logits,
                            std::vector<std::int32_t> const& truth,
                            std::size_t classes,
                            bool multi_label) {
  calibration_check(logits, truth, classes, multi_label);
  constexpr double coldest = 0.1, hottest = hottest_temperature;
  CalibrationFit const fit{logits, truth, classes, multi_label};
  auto const start = fit.at(1);
  Temperature out;
  if (start.known == 0) {
    out.why = calibration_unknown;
    return out;
  }
  out.before = start.loss / start.known;
  if (fit.at(1 / hottest).slope >= 0) {
    out.value = hottest;
    out.why =
        "the model's confidence says nothing about these cases: the largest temperature was "
        "taken";
  } else if (fit.at(1 / coldest).slope <= 0) {
    // Sharper and sharper would fit them better and better, until the order of the answers is
    // lost in rounding.
    out.why =
        "the model is so right in these cases that they do not say how sure it may be: its "
        "confidence stays as it is";
  } else {
    out.value = 1 / calibration_root(fit, 1 / hottest, 1 / coldest);
  }
  out.after = fit.at(1 / out.value).loss / start.known;
  return out;
}

std::vector<double> probabilities_of(std::vector<double> const& logits,
                                     std::size_t classes,
                                     bool multi_label,
                                     double temperature) {
  if (!(temperature > 0) || classes == 0 || logits.size() % classes != 0)
    throw Error{Fault::bug,
                text("expected a temperature above 0 and rows of ", classes, " logits, got ",
                     temperature, " and ", logits.size(), " logits"),
                "pass the model's output as it is"};
  std::vector<double> out(logits.size());
  if (multi_label) {
    std::ranges::transform(logits, out.begin(),
                           [&](double z) { return 1 / (1 + std::exp(-z / temperature)); });
    return out;
  }
  for (std::size_t row = 0; row < logits.size(); row += classes) {
    auto const from = std::span{logits}.subspan(row, classes);
    auto const to = std::span{out}.subspan(row, classes);
    auto const largest = std::ranges::max(from);
    double sum = 0;
    for (std::size_t c = 0; c < classes; ++c)
      sum += to[c] = std::exp((from[c] - largest) / temperature);
    for (auto& one : to) one /= sum;
  }
  return out;
}

}  // namespace fovea
