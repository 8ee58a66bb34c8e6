#include "base/core/error.hpp"
#include "learn/score/score.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace fovea {
namespace {

constexpr auto report_nan = std::numeric_limits<double>::quiet_NaN();

void report_check(ScoreSet const& set) {
  if (set.cases.empty() || set.labels.empty())
    throw Error{Fault::input,
                text("expected scores of cases with labels, got ", set.cases.size(),
                     " cases and ", set.labels.size(), " labels"),
                "evaluate a split that has masks"};
  for (auto const& one : set.cases) {
    if (one.labels.size() != set.labels.size())
      throw Error{Fault::input,
                  text("expected scores of ", set.labels.size(), " labels of case '", one.id,
                       "', got ", one.labels.size()),
                  "score all cases by the same labels"};
  }
}

// Values by [row, label, case], NaN where there is no answer, and how they are averaged.
class ReportTable {
 public:
  explicit ReportTable(ScoreSet const& set)
      : rows_{score_rows().size()},
        labels_{set.labels.size()},
        cases_{set.cases.size()},
        values_(rows_ * labels_ * cases_, report_nan) {
    for (std::size_t r = 0; r < rows_; ++r)
      for (std::size_t l = 0; l < labels_; ++l)
        for (std::size_t c = 0; c < cases_; ++c)
          if (auto const value = score_rows()[r].of(set.cases[c].labels[l]))
            values_[(r * labels_ + l) * cases_ + c] = *value;
  }

  // [row, label and at last all of them]: NaN where no case has an answer.
  void means(std::span<double const> weight, std::span<double> out) const {
    for (std::size_t r = 0; r < rows_; ++r) {
      double sum = 0, count = 0;
      for (std::size_t l = 0; l < labels_; ++l) {
        auto const value = mean(r * labels_ + l, weight);
        out[r * (labels_ + 1) + l] = value;
        if (std::isnan(value)) continue;
        sum += value;
        count += 1;
      }
      out[r * (labels_ + 1) + labels_] = count > 0 ? sum / count : report_nan;
    }
  }

  std::size_t numbers() const { return rows_ * (labels_ + 1); }

 private:
  double mean(std::size_t which, std::span<double const> weight) const {
    double sum = 0, all = 0;
    for (std::size_t c = 0; c < cases_; ++c) {
      auto const value = values_[which * cases_ + c];
      if (std::isnan(value) || weight[c] == 0) continue;
      sum += weight[c] * value;
      all += weight[c];
    }
    return all > 0 ? sum / all : report_nan;
  }

  std::size_t rows_, labels_, cases_;
  std::vector<double> values_;
};

std::vector<std::size_t> report_patients(ScoreSet const& set) {
  std::vector<std::int64_t> groups;
  // A case without a group is a patient that no number of a group names.
  std::int64_t own = -1;
  for (auto const& one : set.cases) groups.push_back(one.group >= 0 ? one.group : own--);
  return patients(groups, set.cases.size());
}

Value report_value(double value, std::string const& what) {
  if (std::isnan(value)) return undefined(text("no case has an answer for ", what));
  return {value, {}};
}

bool report_counts(LabelScore const& score) {
  return score.found > 0 || score.truth > 0;
}

VolumeAgreement report_volume(ScoreSet const& set,
                              std::size_t label,
                              std::vector<std::size_t> const& patient,
                              BootstrapOptions const& options) {
  VolumeAgreement out;
  std::vector<std::size_t> of;
  for (std::size_t c = 0; c < set.cases.size(); ++c) {
    auto const& score = set.cases[c].labels[label];
    if (!report_counts(score)) continue;
    of.push_back(patient[c]);
    out.mean.push_back((score.found_ml() + score.truth_ml()) / 2);
    out.difference.push_back(score.found_ml() - score.truth_ml());
  }
  out.cases = static_cast<std::int64_t>(of.size());
  // Numbered anew: only patients with this label are drawn.
  std::vector<std::int64_t> const groups(of.begin(), of.end());
  auto const who = patients(groups, of.size());
  auto const people = who.empty() ? 0 : *std::ranges::max_element(who) + 1;
  auto const mean = [&](std::span<double const> weight) {
    double sum = 0, all = 0;
    for (std::size_t n = 0; n < weight.size(); ++n) {
      sum += weight[n] * out.difference[n];
      all += weight[n];
    }
    return all > 0 ? sum / all : report_nan;
  };
  std::vector<double> const once(of.size(), 1.0);
  auto const bias = mean(once);
  auto const draws = bootstrap(
      who, 1,
      [&](std::span<double const> weight, std::span<double> into) { into[0] = mean(weight); },
      options);
  out.bias = percentile_interval(report_value(bias, "its volume"), draws[0], people);
  out.deviation = out.low = out.high = report_nan;
  if (of.size() < 2) return out;
  double squares = 0;
  for (auto const one : out.difference) squares += (one - bias) * (one - bias);
  out.deviation = std::sqrt(squares / static_cast<double>(of.size() - 1));
  out.low = bias - z95 * out.deviation;
  out.high = bias + z95 * out.deviation;
  return out;
}

Json report_number(double value) {
  return std::isfinite(value) ? Json(value) : Json{};
}
Json report_number(std::optional<double> value) {
  return value ? report_number(*value) : Json{};
}

ScoreOfLabel report_counted(ScoreSet const& set, std::size_t label) {
  ScoreOfLabel out;
  out.name = set.labels[label];
  out.cases = static_cast<std::int64_t>(set.cases.size());
  for (auto const& one : set.cases) {
    auto const& score = one.labels[label];
    out.present += score.truth > 0;
    out.missed += score.truth > 0 && score.found == 0;
    out.invented += score.truth == 0 && score.found > 0;
  }
  return out;
}

}  // namespace

Interval const& ScoreReport::operator[](std::string_view metric) const {
  auto const found = std::ranges::find(metrics, metric, &NamedIntervals::value_type::first);
  if (found == metrics.end())
    throw Error{Fault::bug, text("the report holds no score '", metric, "'"),
                "ask for a row of score_rows()"};
  return found->second;
}

ScoreReport evaluate(ScoreSet const& set, BootstrapOptions const& options) {
  report_check(set);
  ReportTable const table{set};
  auto const patient = report_patients(set);
  auto const people = *std::ranges::max_element(patient) + 1;
  std::vector<double> whole(table.numbers());
  std::vector<double> const once(set.cases.size(), 1.0);
  table.means(once, whole);
  auto draws = bootstrap(
      patient, table.numbers(),
      [&](std::span<double const> weight, std::span<double> into) {
        table.means(weight, into);
      },
      options);

  ScoreReport out;
  out.cases = static_cast<std::int64_t>(set.cases.size());
  auto const labels = set.labels.size();
  for (std::size_t l = 0; l < labels; ++l) {
    out.per_class.push_back(report_counted(set, l));
    out.per_class.back().volume = report_volume(set, l, patient, options);
  }
  for (std::size_t r = 0; r < score_rows().size(); ++r) {
    std::string const name{score_rows()[r].name};
    for (std::size_t l = 0; l <= labels; ++l) {
      auto const at = r * (labels + 1) + l;
      auto const what = l < labels ? text(name, " of '", set.labels[l], "'") : name;
      auto& to = l < labels ? out.per_class[l].metrics : out.metrics;
      to.emplace_back(name, percentile_interval(report_value(whole[at], what),
                                                std::move(draws[at]), people));
    }
  }
  return out;
}

std::optional<double> score_of_case(CaseScore const& one, ScoreRow const& row) {
  double sum = 0, count = 0;
  for (auto const& label : one.labels) {
    auto const value = row.of(label);
    if (!value) continue;
    sum += *value;
    count += 1;
  }
  if (count == 0) return std::nullopt;
  return sum / count;
}

Json to_json(ScoreReport const& report) {
  Json out;
  out["metrics"] = Json::object();
  for (auto const& [name, interval] : report.metrics) out["metrics"][name] = to_json(interval);
  out["per_class"] = Json::array();
  for (auto const& one : report.per_class) {
    Json row;
    row["class"] = one.name;
    row["cases"] = one.cases;
    row["positives"] = one.present;
    row["missed"] = one.missed;
    row["invented"] = one.invented;
    for (auto const& [name, interval] : one.metrics) row[name] = to_json(interval);
    row["volume"] = {{"bias_ml", to_json(one.volume.bias)},
                     {"deviation_ml", report_number(one.volume.deviation)},
                     {"low_ml", report_number(one.volume.low)},
                     {"high_ml", report_number(one.volume.high)}};
    out["per_class"].push_back(std::move(row));
  }
  return out;
}

Json per_case(ScoreSet const& set) {
  report_check(set);
  auto out = Json::array();
  for (auto const& one : set.cases) {
    Json row;
    row["id"] = one.id;
    for (auto const& metric : score_rows())
      row[std::string{metric.name}] = report_number(score_of_case(one, metric));
    row["per_class"] = Json::array();
    for (std::size_t l = 0; l < set.labels.size(); ++l) {
      auto const& score = one.labels[l];
      Json of_label;
      of_label["class"] = set.labels[l];
      of_label["found_ml"] = score.found_ml();
      of_label["truth_ml"] = score.truth_ml();
      for (auto const& metric : score_rows())
        of_label[std::string{metric.name}] = report_number(metric.of(score));
      row["per_class"].push_back(std::move(of_label));
    }
    out.push_back(std::move(row));
  }
  return out;
}

}  // namespace fovea
