#include "learn/classify/evaluation.hpp"

#include "base/core/csv.hpp"
#include "base/core/words.hpp"
#include "learn/metric/calibration.hpp"
#include "learn/metric/compare.hpp"
#include "learn/metric/curve.hpp"
#include "learn/metric/interval_words.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace fovea {
namespace {

constexpr std::string_view evaluation_cards[] = {
    "auc", "accuracy", "balanced_accuracy", "sensitivity", "specificity", "f1"};

constexpr std::size_t evaluation_lines = 8;  // more lines than colours help nobody

ModelAbout::Value evaluation_value(Interval const& interval) {
  auto const finite = [&](double number) {
    return interval.defined && std::isfinite(number) ? std::optional{number} : std::nullopt;
  };
  return {finite(interval.value), finite(interval.low), finite(interval.high)};
}

// Names of metrics for people.
std::string evaluation_name(std::string_view metric) {
  struct Name {
    std::string_view metric, shown;
  };
  static constexpr Name names[] = {
      {"auc", "AUC"}, {"f1", "F1"}, {"ece", "ECE"}, {"brier", "Brier score"}};
  std::string out{metric};
  for (auto const& [name, shown] : names) {
    if (metric == name || metric.starts_with(text(name, "_")))
      out.replace(0, name.size(), shown);
  }
  std::ranges::replace(out, '_', ' ');
  return out;
}

double evaluation_share(double part, double whole) {
  return whole > 0 ? part / whole : 0;
}

Series evaluation_roc(Binary const& rows) {
  Series line{.name = rows.name, .points = {}};
  for (auto const& [threshold, counts] : curve(rows)) {
    auto const x = evaluation_share(counts.fp, counts.fp + counts.tn);
    auto const y = evaluation_share(counts.tp, counts.tp + counts.fn);
    line.points.push_back({x, y,
                           text("threshold ", fixed(threshold, 3), ": sensitivity ",
                                fixed(y, 3), ", specificity ", fixed(1 - x, 3))});
  }
  return line;
}

Series evaluation_precision_recall(Binary const& rows) {
  Series line{.name = rows.name, .points = {}};
  for (auto const& [threshold, counts] : curve(rows)) {
    if (counts.tp + counts.fp == 0) continue;
    auto const x = evaluation_share(counts.tp, counts.tp + counts.fn);
    auto const y = evaluation_share(counts.tp, counts.tp + counts.fp);
    line.points.push_back({x, y,
                           text("threshold ", fixed(threshold, 3), ": sensitivity ",
                                fixed(x, 3), ", precision ", fixed(y, 3))});
  }
  return line;
}

}  // namespace

Answer answer_from(std::vector<std::string> const& classes,
                   bool multi_label,
                   std::span<double const> probabilities) {
  Answer answer;
  std::vector<std::string> present;
  for (std::size_t c = 0; c < classes.size(); ++c) {
    answer.scores.emplace_back(classes[c], probabilities[c]);
    if (probabilities[c] >= 0.5) present.push_back(classes[c]);
  }
  auto const top =
      static_cast<std::size_t>(std::ranges::max_element(probabilities) - probabilities.begin());
  answer.label = multi_label ? joined(present, ";") : classes[top];
  return answer;
}

ClassEvaluation::ClassEvaluation(ClassRows rows,
                                 std::vector<std::size_t> cases,
                                 std::vector<OperatingPoint> points,
                                 double temperature,
                                 std::uint64_t seed)
    : rows_(std::move(rows)),
      cases_(std::move(cases)),
      temperature_(temperature),
      report_(evaluate(rows_, {.bootstrap = {.seed = seed}})) {
  for (auto const& point : points) {
    auto const which = std::ranges::find(rows_.classes, point.of) - rows_.classes.begin();
    points_.push_back(
        at_point(one_against_rest(rows_, static_cast<std::size_t>(which)), point));
  }
}

Json ClassEvaluation::json() const {
  auto out = to_json(report_);
  out["classes"] = rows_.classes;
  out["per_case"] = per_case(rows_);
  out["temperature"] = temperature_;
  out["operating_points"] = Json::array();
  for (auto const& point : points_) out["operating_points"].push_back(to_json(point));
  return out;
}

std::string ClassEvaluation::predictions_csv() const {
  std::vector<std::string> head{"id", "truth", "label"};
  for (auto const& name : rows_.classes) head.push_back("score " + name);
  auto out = csv_row(head) + "\n";
  for (std::size_t row = 0; row < rows_.cases(); ++row) {
    auto const answer = answer_of_row(row);
    std::vector<std::string> truth;
    for (std::size_t c = 0; c < rows_.classes.size(); ++c) {
      auto const has = rows_.multi_label ? rows_.truth[row * rows_.classes.size() + c] == 1
                                         : rows_.truth[row] == static_cast<std::int32_t>(c);
      if (has) truth.push_back(rows_.classes[c]);
    }
    std::vector<std::string> cells{rows_.ids[row], joined(truth, ";"), answer.label};
    for (auto const& [label, score] : answer.scores) cells.push_back(spelled(score));
    out += csv_row(cells) + "\n";
  }
  return out;
}

void ClassEvaluation::tell(ModelAbout& about) const {
  for (auto const& [name, interval] : report_.metrics)
    about.proof.metrics[name] = evaluation_value(interval);
  for (auto& point : about.operating_points) {
    for (auto const& at : points_) {
      if (at.point.rule != point.name || at.point.of != point.label) continue;
      point.measured = {{"sensitivity", evaluation_value(at.sensitivity)},
                        {"specificity", evaluation_value(at.specificity)},
                        {"ppv", evaluation_value(at.ppv)},
                        {"npv", evaluation_value(at.npv)}};
    }
  }
}

std::vector<Fact> ClassEvaluation::facts() const {
  std::vector<Fact> out;
  for (auto const name : evaluation_cards)
    out.push_back(
        {evaluation_name(name), value_in_words(report_[name]), range_in_words(report_[name])});
  return out;
}

Answer ClassEvaluation::answer_of_row(std::size_t row) const {
  auto const count = rows_.classes.size();
  auto answer = answer_from(rows_.classes, rows_.multi_label,
                            std::span{rows_.probabilities}.subspan(row * count, count));
  answer.id = rows_.ids[row];
  return answer;
}

Answer ClassEvaluation::answer(std::size_t index) const {
  auto const found = std::ranges::find(cases_, index);
  if (found == cases_.end())
    throw Error{Fault::bug, text("case ", index, " was not measured"), "ask for one that was"};
  return answer_of_row(static_cast<std::size_t>(found - cases_.begin()));
}

std::vector<std::size_t> ClassEvaluation::worst(std::size_t count) const {
  // How much less probable the truth was than the answer; of several labels the worst one
  // counts.
  std::vector<std::pair<double, std::size_t>> wrong;
  auto const classes = rows_.classes.size();
  for (std::size_t row = 0; row < rows_.cases(); ++row) {
    auto const given = std::span{rows_.probabilities}.subspan(row * classes, classes);
    double fault = 0;
    if (rows_.multi_label) {
      for (std::size_t c = 0; c < classes; ++c) {
        auto const truth = rows_.truth[row * classes + c];
        if (truth >= 0) fault = std::max(fault, std::abs(given[c] - truth) - 0.5);
      }
    } else if (rows_.truth[row] >= 0) {
      fault = std::ranges::max(given) - given[static_cast<std::size_t>(rows_.truth[row])];
    }
    if (fault > 0) wrong.emplace_back(fault, cases_[row]);
  }
  std::ranges::stable_sort(wrong, std::greater{}, [](auto const& one) { return one.first; });
  std::vector<std::size_t> out;
  for (auto const& [fault, index] : wrong) {
    if (out.size() < count) out.push_back(index);
  }
  return out;
}

Json ClassEvaluation::against(Evaluation const& other) const {
  auto const* const theirs = dynamic_cast<ClassEvaluation const*>(&other);
  if (theirs == nullptr)
    throw Error{Fault::input, "the two models have different tasks",
                "compare models of one task"};
  Json out = to_json(compare(rows_, theirs->rows_));
  out["classes"] = rows_.classes;
  out["a"] = to_json(report_)["metrics"];
  out["b"] = to_json(theirs->report_)["metrics"];
  return out;
}

std::vector<Panel> ClassEvaluation::panels() const {
  std::vector<Panel> out{metrics_panel(), curves_panel()};
  out.push_back(confusion_panel());
  out.push_back(calibration_panel());
  if (!points_.empty()) out.push_back(points_panel());
  if (rows_.classes.size() > 2 || rows_.multi_label) out.push_back(per_class_panel());
  return out;
}

Panel ClassEvaluation::metrics_panel() const {
  std::vector<std::vector<std::string>> rows;
  for (auto const& [name, interval] : report_.metrics)
    rows.push_back({evaluation_name(name), in_words(interval),
                    std::string{metric_named(name).does}, interval.method});
  auto const lead =
      rows_.multi_label || rows_.classes.size() > 2
          ? std::string{"Means over the classes, with 95 % intervals."}
          : text("'", rows_.classes[1], "' counts as positive; in brackets the 95 % interval.");
  return {"Metrics", text(report_.cases, " cases. ", lead),
          table({"metric", "value", "meaning", "interval by"}, rows), "metrics"};
}

// Of two classes the curves of the second say all.
std::vector<std::size_t> ClassEvaluation::shown_classes() const {
  if (!rows_.multi_label && rows_.classes.size() == 2) return {1};
  std::vector<std::size_t> all(std::min(rows_.classes.size(), evaluation_lines));
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}

std::string ClassEvaluation::left_out_words() const {
  if (rows_.classes.size() <= evaluation_lines) return {};
  return text(" Drawn are the first ", evaluation_lines, " of ", rows_.classes.size(),
              " classes; the table of each class has all.");
}

Panel ClassEvaluation::curves_panel() const {
  std::vector<Series> roc;
  std::vector<Series> precision_recall;
  for (auto const which : shown_classes()) {
    auto const binary = one_against_rest(rows_, which);
    if (binary.positives() == 0 || binary.negatives() == 0) continue;
    roc.push_back(evaluation_roc(binary));
    precision_recall.push_back(evaluation_precision_recall(binary));
  }
  if (roc.empty())
    return {"Curves", "",
            note("info", "Only one class is among the cases: there is no curve to draw."),
            "curves"};
  Axes const roc_axes{.x = "1 - specificity",
                      .y = "sensitivity",
                      .x_low = 0,
                      .x_high = 1,
                      .y_low = 0,
                      .y_high = 1,
                      .square = true,
                      .diagonal = true};
  Axes const pr_axes{.x = "sensitivity (recall)",
                     .y = "precision",
                     .x_low = 0,
                     .x_high = 1,
                     .y_low = 0,
                     .y_high = 1,
                     .square = true};
  return {"ROC and precision",
          text("What is won and lost as the threshold moves; point at a line for its values.",
               left_out_words()),
          beside({line_chart(roc, roc_axes), line_chart(precision_recall, pr_axes)}), "curves"};
}

Panel ClassEvaluation::confusion_panel() const {
  if (rows_.multi_label) {
    std::vector<std::vector<std::string>> rows;
    for (auto const& one : report_.per_class)
      rows.push_back({one.name, text(one.tp), text(one.fn), text(one.fp), text(one.tn),
                      text(static_cast<std::int64_t>(rows_.cases()) - one.cases)});
    return {"Confusion",
            "Of each label by itself: it counts as found from a probability of 1/2.",
            table({"label", "found", "missed", "false alarm", "rightly not found", "unknown"},
                  rows),
            "confusion"};
  }
  return {"Confusion", "Rows are the truth, columns the most probable class.",
          confusion_chart(rows_.classes, report_.confusion), "confusion"};
}

Panel ClassEvaluation::calibration_panel() const {
  std::vector<Series> lines;
  auto const add = [&](std::string name, std::vector<ReliabilityBin> const& bins) {
    Series line{.name = std::move(name), .points = {}, .dots = true, .line = false};
    for (auto const& bin : bins) {
      // The area of a mark is its share of the cases: one case is no evidence.
      auto const share = static_cast<double>(bin.cases) / static_cast<double>(rows_.cases());
      line.points.push_back({bin.confidence, bin.share,
                             text("said ", fixed(bin.confidence, 2), ", came true ",
                                  fixed(bin.share, 2), " of ", bin.cases, " cases"),
                             2 + 12 * std::sqrt(share)});
    }
    lines.push_back(std::move(line));
  };
  // The bins of the ECE: of the most probable class, or of each label.
  if (!rows_.multi_label) add("most probable class", reliability(rows_));
  if (rows_.multi_label || rows_.classes.size() == 2) {
    for (auto const which : shown_classes())
      add(rows_.classes[which], reliability(one_against_rest(rows_, which)));
  }
  Axes const axes{.x = "probability that was given",
                  .y = "share that came true",
                  .x_low = 0,
                  .x_high = 1,
                  .y_low = 0,
                  .y_high = 1,
                  .square = true,
                  .diagonal = true};
  return {"Calibration",
          text("Do the probabilities mean what they say? On the line they do; the larger a "
               "mark, the more cases. Logits were "
               "divided by ",
               fixed(temperature_, 2), ", fitted on the validation cases",
               temperature_ >= hottest_temperature
                   ? ": the most that is allowed, as its confidence says nothing there."
               : temperature_ == 1 ? ": they left it as it is."
                                   : ".",
               rows_.multi_label ? left_out_words() : ""),
          line_chart(lines, axes), "calibration"};
}

Panel ClassEvaluation::points_panel() const {
  std::vector<std::vector<std::string>> rows;
  for (auto const& at : points_) {
    if (!at.point.why.empty()) {
      rows.push_back({at.point.of, at.point.rule, at.point.why, "", "", "", ""});
      continue;
    }
    rows.push_back({at.point.of, at.point.rule, fixed(at.point.threshold, 3),
                    in_words(at.sensitivity), in_words(at.specificity), in_words(at.ppv),
                    in_words(at.npv)});
  }
  return {
      "Operating points",
      "Thresholds that were chosen on the validation cases, and what they achieve here.",
      table({"class", "rule", "threshold", "sensitivity", "specificity", "PPV", "NPV"}, rows),
      "points"};
}

Panel ClassEvaluation::per_class_panel() const {
  std::vector<std::string> head{"class", "positive cases"};
  for (auto const& [name, interval] : report_.per_class.front().metrics)
    head.push_back(evaluation_name(name));
  std::vector<std::vector<std::string>> rows;
  for (auto const& one : report_.per_class) {
    std::vector<std::string> row{one.name, text(one.positives)};
    for (auto const& [name, interval] : one.metrics) row.push_back(in_words(interval));
    rows.push_back(row);
  }
  return {"Each class", "One class against the rest; in brackets the 95 % interval.",
          table(head, rows), "classes"};
}

}  // namespace fovea
