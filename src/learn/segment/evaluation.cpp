#include "learn/segment/evaluation.hpp"

#include "base/core/csv.hpp"
#include "base/core/words.hpp"
#include "learn/metric/interval_words.hpp"

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

constexpr std::string_view evaluation_cards[] = {"dice", "hd95", "assd", "nsd"};

// Names of metrics for people.
std::string evaluation_shown(std::string_view metric) {
  struct Name {
    std::string_view metric, shown;
  };
  static constexpr Name names[] = {
      {"dice", "Dice"},        {"jaccard", "Jaccard"},
      {"hd95", "HD95, mm"},    {"assd", "average surface distance, mm"},
      {"nsd", "surface Dice"}, {"auc", "AUC of pixels"}};
  for (auto const& [name, shown] : names)
    if (metric == name) return std::string{shown};
  std::string out{metric};
  std::ranges::replace(out, '_', ' ');
  return out;
}

ModelAbout::Value evaluation_told(Interval const& interval) {
  auto const finite = [&](double value) {
    return interval.defined && std::isfinite(value) ? std::optional{value} : std::nullopt;
  };
  return {finite(interval.value), finite(interval.low), finite(interval.high)};
}

}  // namespace

SegmentEvaluation::SegmentEvaluation(ScoreSet scores,
                                     std::vector<std::size_t> cases,
                                     std::optional<PixelRoc> pixels,
                                     std::vector<Sureness> expected,
                                     std::uint64_t seed)
    : scores_(std::move(scores)),
      cases_(std::move(cases)),
      pixels_(std::move(pixels)),
      expected_(std::move(expected)),
      seed_(seed),
      report_(evaluate(scores_, {.seed = seed})) {
  if (pixels_) report_.metrics.emplace_back("auc", pixels_->auc({.seed = seed}));
}

Json SegmentEvaluation::json() const {
  auto out = to_json(report_);
  out["per_case"] = per_case(scores_);
  for (std::size_t label = 0; label < scores_.labels.size() && !expected_.empty(); ++label) {
    auto const worth = expected_worth(expected_of(label));
    out["per_class"][label]["expected_dice"] = {
        {"cases", worth.cases},
        {"mean_error", worth.cases > 0 ? Json(worth.mean_error) : Json{}},
        {"spearman", worth.spearman ? Json(*worth.spearman) : Json{}}};
    for (std::size_t n = 0; n < expected_.size(); ++n) {
      auto const& value = expected_[n][label];
      out["per_case"][n]["per_class"][label]["expected_dice"] = value ? Json(*value) : Json{};
    }
  }
  return out;
}

// Of the cases that have both.
std::vector<SureCase> SegmentEvaluation::expected_of(std::size_t label) const {
  std::vector<SureCase> out;
  auto const& dice = score_named("dice");
  for (std::size_t n = 0; n < expected_.size(); ++n) {
    auto const value = dice.of(scores_.cases[n].labels[label]);
    if (value && expected_[n][label]) out.push_back({*expected_[n][label], *value});
  }
  return out;
}

std::string SegmentEvaluation::predictions_csv() const {
  std::vector<std::string> head{"id", "label", "found_ml", "truth_ml"};
  for (auto const& row : score_rows()) head.emplace_back(row.name);
  auto out = csv_row(head) + "\n";
  for (auto const& one : scores_.cases) {
    for (std::size_t label = 0; label < scores_.labels.size(); ++label) {
      auto const& score = one.labels[label];
      std::vector<std::string> line{one.id, scores_.labels[label], spelled(score.found_ml()),
                                    spelled(score.truth_ml())};
      for (auto const& row : score_rows()) {
        auto const value = row.of(score);
        line.push_back(value ? spelled(*value) : "");
      }
      out += csv_row(line) + "\n";
    }
  }
  return out;
}

void SegmentEvaluation::tell(ModelAbout& about) const {
  for (auto const& [name, interval] : report_.metrics)
    about.proof.metrics[name] = evaluation_told(interval);
  for (auto const& one : report_.per_class)
    for (auto const& [name, interval] : one.metrics)
      if (name == "dice")
        about.proof.metrics[text("dice ", one.name)] = evaluation_told(interval);
}

std::vector<Fact> SegmentEvaluation::facts() const {
  std::vector<Fact> out;
  for (auto const name : evaluation_cards) {
    auto const& interval = report_[name];
    out.push_back({evaluation_shown(name), value_in_words(interval), range_in_words(interval)});
  }
  for (auto const& one : report_.per_class) {
    if (report_.per_class.size() < 2) break;
    constexpr std::size_t most = 8;
    if (out.size() >= most) break;
    for (auto const& [name, interval] : one.metrics)
      if (name == "dice")
        out.push_back(
            {text("Dice ", one.name), value_in_words(interval), range_in_words(interval)});
  }
  if (pixels_) {
    auto const& auc = report_["auc"];
    out.push_back({evaluation_shown("auc"), value_in_words(auc), range_in_words(auc)});
  }
  return out;
}

Panel SegmentEvaluation::metrics_panel() const {
  std::vector<std::string> head{"structure", "cases", "present", "missed", "invented"};
  for (auto const& row : score_rows()) head.push_back(evaluation_shown(row.name));
  std::vector<std::vector<std::string>> rows;
  auto const cells = [&](NamedIntervals const& metrics, std::vector<std::string> line) {
    for (auto const& row : score_rows()) {
      auto const found =
          std::ranges::find_if(metrics, [&](auto const& one) { return one.first == row.name; });
      line.push_back(
          found == metrics.end() || !found->second.defined ? "-" : in_words(found->second));
    }
    rows.push_back(std::move(line));
  };
  for (auto const& one : report_.per_class)
    cells(one.metrics,
          {one.name, text(one.cases), text(one.present), text(one.missed), text(one.invented)});
  if (report_.per_class.size() > 1)
    cells(report_.metrics, {"mean", text(report_.cases), "", "", ""});
  return {"Scores",
          "Means over the cases with 95 % intervals by bootstrap over patients. Missed: there, "
          "and nothing was found; invented: found, and not there. -: no case has an answer.",
          table(head, rows), "scores"};
}

Panel SegmentEvaluation::volumes_panel() const {
  std::vector<Series> against;
  std::vector<Series> agreement;
  std::vector<std::vector<std::string>> rows;
  auto const& dice = score_named("dice");
  for (std::size_t label = 0; label < scores_.labels.size(); ++label) {
    Series by_volume{.name = scores_.labels[label], .points = {}, .dots = true, .line = false};
    for (auto const& one : scores_.cases) {
      auto const value = dice.of(one.labels[label]);
      if (value) by_volume.points.push_back({one.labels[label].truth_ml(), *value, one.id});
    }
    if (!by_volume.points.empty()) against.push_back(std::move(by_volume));
    auto const& volume = report_.per_class[label].volume;
    Series bland{.name = scores_.labels[label], .points = {}, .dots = true, .line = false};
    for (std::size_t i = 0; i < volume.mean.size(); ++i)
      bland.points.push_back({volume.mean[i], volume.difference[i], {}});
    if (!bland.points.empty()) agreement.push_back(std::move(bland));
    rows.push_back({scores_.labels[label], text(volume.cases), in_words(volume.bias),
                    text(fixed(volume.low, 2), " to ", fixed(volume.high, 2))});
  }
  std::vector<std::string> charts;
  if (!against.empty())
    charts.push_back(
        line_chart(against, {.x = "true volume, mL", .y = "Dice", .y_low = 0, .y_high = 1}));
  if (!agreement.empty())
    charts.push_back(line_chart(
        agreement, {.x = "mean of found and true volume, mL", .y = "found - true, mL"}));
  return {"Volumes",
          "Dice by size of the structure, and how far volumes that were found are from true "
          "ones (Bland and Altman, Lancet 1986).",
          beside(charts) +
              table({"structure", "cases", "bias, mL", "limits of agreement, mL"}, rows),
          "volumes"};
}

Panel SegmentEvaluation::pixels_panel() const {
  Series line{.name = "pixels", .points = {}};
  for (auto const& at : pixels_->curve()) {
    auto const share = [](std::int64_t part, std::int64_t rest) {
      auto const all = static_cast<double>(part + rest);
      return all > 0 ? static_cast<double>(part) / all : 0.0;
    };
    line.points.push_back(
        {share(at.fp, at.tn), share(at.tp, at.fn), text("threshold ", fixed(at.threshold, 3))});
  }
  return {"Pixels",
          "Every pixel inside the field of view as a case of its own, pooled over the images.",
          line_chart({line}, {.x = "1 - specificity",
                              .y = "sensitivity",
                              .x_low = 0,
                              .x_high = 1,
                              .y_low = 0,
                              .y_high = 1,
                              .square = true,
                              .diagonal = true}),
          "pixels"};
}

Panel SegmentEvaluation::expected_panel() const {
  std::vector<Series> series;
  std::vector<std::vector<std::string>> rows;
  for (std::size_t label = 0; label < scores_.labels.size(); ++label) {
    auto const cases = expected_of(label);
    if (cases.empty()) continue;
    Series one{.name = scores_.labels[label], .points = {}, .dots = true, .line = false};
    for (auto const& [expected, dice] : cases) one.points.push_back({expected, dice, {}});
    series.push_back(std::move(one));
    auto const worth = expected_worth(cases);
    rows.push_back({scores_.labels[label], text(worth.cases), fixed(worth.mean_error, 3),
                    worth.spearman ? fixed(*worth.spearman, 2) : "undefined"});
  }
  auto const body =
      series.empty()
          ? note("info",
                 "There is no guess: too few validation cases show the structures (three are "
                 "needed), or nothing was found in these cases.")
          : line_chart(series, {.x = "expected Dice",
                                .y = "Dice",
                                .x_low = 0,
                                .x_high = 1,
                                .y_low = 0,
                                .y_high = 1,
                                .square = true,
                                .diagonal = true}) +
                table({"structure", "cases", "mean error", "rank correlation (Spearman)"},
                      rows);
  return {
      "Expected Dice",
      "What the model said of its own answers without the truth (from its probabilities, by "
      "a line learnt on validation), and what they were worth.",
      body, "expected"};
}

std::vector<Panel> SegmentEvaluation::panels() const {
  std::vector<Panel> out{metrics_panel(), volumes_panel()};
  if (pixels_) out.push_back(pixels_panel());
  if (!expected_.empty()) out.push_back(expected_panel());
  return out;
}

std::vector<std::size_t> SegmentEvaluation::by_dice() const {
  auto const& row = score_named("dice");
  std::vector<std::pair<double, std::size_t>> known;
  for (std::size_t i = 0; i < cases_.size(); ++i) {
    if (auto const value = score_of_case(scores_.cases[i], row)) known.emplace_back(*value, i);
  }
  std::ranges::sort(known);
  std::vector<std::size_t> out;
  for (auto const& [value, i] : known) out.push_back(cases_[i]);
  return out;
}

std::vector<std::size_t> SegmentEvaluation::worst(std::size_t count) const {
  auto out = by_dice();
  out.resize(std::min(out.size(), count));
  return out;
}

std::size_t SegmentEvaluation::row_of(std::size_t index) const {
  auto const found = std::ranges::find(cases_, index);
  if (found == cases_.end())
    throw Error{Fault::bug, "a case was asked for that was not measured", ""};
  return static_cast<std::size_t>(found - cases_.begin());
}

double SegmentEvaluation::dice(std::size_t index) const {
  return score_of_case(scores_.cases[row_of(index)], score_named("dice")).value_or(0);
}

Answer SegmentEvaluation::answer(std::size_t index) const {
  auto const& one = scores_.cases[row_of(index)];
  Answer out{.id = one.id, .label = {}, .scores = {}};
  std::vector<std::string> found;
  for (std::size_t label = 0; label < scores_.labels.size(); ++label) {
    out.scores.emplace_back(scores_.labels[label], one.labels[label].found_ml());
    if (one.labels[label].found > 0) found.push_back(scores_.labels[label]);
  }
  out.label = joined(found, ";");
  return out;
}

Json SegmentEvaluation::against(Evaluation const& other) const {
  auto const* const segments = dynamic_cast<SegmentEvaluation const*>(&other);
  if (segments == nullptr)
    throw Error{Fault::input, "a segmenter cannot be compared with a model of another task",
                "compare models of one task"};
  return {{"scores", to_json(compare(scores_, segments->scores_, {.seed = seed_}))}};
}

}  // namespace fovea
