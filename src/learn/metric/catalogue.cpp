#include "base/core/error.hpp"
#include "base/core/words.hpp"
#include "learn/metric/calibration.hpp"
#include "learn/metric/confusion.hpp"
#include "learn/metric/curve.hpp"
#include "learn/metric/evaluate.hpp"

#include <algorithm>
#include <array>

namespace fovea {
namespace {

/// A share of one class's counts as a metric of a class.
template <Value (*share)(Counts const&, std::string const&)>
Value catalogue_of_class(Drawn const& draw, std::size_t which) {
  return share(draw.counts[which], draw.made.rows.classes[which]);
}
template <Value (*share)(Counts const&, std::string const&)>
Value catalogue_micro(Drawn const& draw) {
  return share(summed(draw.counts), "any class");
}

int catalogue_answered(ReadyRows const& made, std::size_t one, std::size_t which) {
  auto const truth = made.truth(one, which);
  return truth < 0 ? -1 : static_cast<int>(made.found(one, which) == (truth == 1));
}
int catalogue_positive_found(ReadyRows const& made, std::size_t one, std::size_t which) {
  return made.truth(one, which) == 1 ? static_cast<int>(made.found(one, which)) : -1;
}
int catalogue_negative_spared(ReadyRows const& made, std::size_t one, std::size_t which) {
  return made.truth(one, which) == 0 ? static_cast<int>(!made.found(one, which)) : -1;
}
int catalogue_found_true(ReadyRows const& made, std::size_t one, std::size_t which) {
  auto const truth = made.truth(one, which);
  return truth >= 0 && made.found(one, which) ? truth : -1;
}
int catalogue_right(ReadyRows const& made, std::size_t one) {
  auto const truth = made.rows.truth[one];
  return truth < 0 ? -1 : static_cast<int>(made.top[one] == truth);
}

Value catalogue_accuracy(Drawn const& draw) {
  return ratio(draw.right, draw.known, "no case whose truth is known");
}

Value catalogue_balanced(Drawn const& draw) {
  return macro_average(draw, draw.made.rows.multi_label ? catalogue_of_class<balanced_accuracy>
                                                        : catalogue_of_class<sensitivity>);
}

constexpr auto catalogue_auc = static_cast<Value (*)(Drawn const&, std::size_t)>(auc);
constexpr auto catalogue_ap =
    static_cast<Value (*)(Drawn const&, std::size_t)>(average_precision);

constexpr std::array catalogue_rows = {
    MetricRow{.name = "auc",
              .does = "area under the ROC curve",
              .of_class = catalogue_auc,
              .ranks = true},
    MetricRow{.name = "average_precision",
              .does = "area under the precision-recall curve",
              .of_class = catalogue_ap},
    MetricRow{.name = "accuracy",
              .does = "share of cases answered rightly",
              .of_class = catalogue_of_class<accuracy>,
              .of_all = catalogue_accuracy,
              .trial = catalogue_answered,
              .trial_of_all = catalogue_right},
    MetricRow{.name = "balanced_accuracy",
              .does = "mean of the shares found in each class",
              .of_class = catalogue_of_class<balanced_accuracy>,
              .of_all = catalogue_balanced},
    MetricRow{.name = "sensitivity",
              .does = "share of the positives that were found (recall)",
              .of_class = catalogue_of_class<sensitivity>,
              .trial = catalogue_positive_found},
    MetricRow{.name = "specificity",
              .does = "share of the negatives that were spared",
              .of_class = catalogue_of_class<specificity>,
              .trial = catalogue_negative_spared},
    MetricRow{.name = "precision",
              .does = "share of the findings that were true (PPV)",
              .of_class = catalogue_of_class<precision>,
              .trial = catalogue_found_true},
    MetricRow{.name = "f1",
              .does = "harmonic mean of precision and sensitivity",
              .of_class = catalogue_of_class<f1>},
    MetricRow{.name = "ece",
              .does = "expected calibration error, 15 bins",
              .higher_is_better = false,
              .of_all = expected_calibration_error},
    MetricRow{.name = "brier",
              .does = "mean squared error of the probabilities",
              .higher_is_better = false,
              .of_all = brier},
    MetricRow{.name = "log_loss",
              .does = "mean of -log of the truth's probability",
              .higher_is_better = false,
              .of_all = log_loss},
    MetricRow{.name = "auc_micro",
              .does = "area under the ROC curve of all classes pooled",
              .of_all = auc_pooled,
              .many_only = true},
    MetricRow{.name = "average_precision_micro",
              .does = "area under the precision-recall curve of all classes pooled",
              .of_all = average_precision_pooled,
              .many_only = true},
    MetricRow{.name = "sensitivity_micro",
              .does = "sensitivity of all classes pooled",
              .of_all = catalogue_micro<sensitivity>,
              .many_only = true},
    MetricRow{.name = "specificity_micro",
              .does = "specificity of all classes pooled",
              .of_all = catalogue_micro<specificity>,
              .many_only = true},
    MetricRow{.name = "precision_micro",
              .does = "precision of all classes pooled",
              .of_all = catalogue_micro<precision>,
              .many_only = true},
    MetricRow{.name = "f1_micro",
              .does = "F1 of all classes pooled",
              .of_all = catalogue_micro<f1>,
              .many_only = true},
};

}  // namespace

std::span<MetricRow const> metrics() {
  return catalogue_rows;
}

MetricRow const& metric_named(std::string_view name) {
  auto const row = std::ranges::find(catalogue_rows, name, &MetricRow::name);
  if (row != catalogue_rows.end()) return *row;
  std::vector<std::string> known;
  for (auto const& one : catalogue_rows) known.emplace_back(one.name);
  throw Error{Fault::usage, text("no metric '", name, "'"), did_you_mean(name, known)};
}

Value macro_average(Drawn const& draw, Value (*of_class)(Drawn const&, std::size_t)) {
  if (draw.made.in_play.empty()) return undefined(draw.made.left_out);
  double sum = 0;
  for (auto const which : draw.made.in_play) {
    auto const one = of_class(draw, which);
    if (!one.defined()) return one;
    sum += one.value;
  }
  return {sum / static_cast<double>(draw.made.in_play.size()), {}};
}

}  // namespace fovea
