#include "learn/score/compare.hpp"

#include "base/core/error.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace fovea {
namespace {

void paired_same(bool same, std::string_view what) {
  if (!same)
    throw Error{Fault::input, text("expected two runs on the same cases, got different ", what),
                "evaluate both on the same split of the same data"};
}

void paired_check(ScoreSet const& first, ScoreSet const& second) {
  paired_same(first.labels == second.labels, "labels");
  paired_same(first.cases.size() == second.cases.size(), "numbers of cases");
  for (std::size_t c = 0; c < first.cases.size(); ++c) {
    auto const &a = first.cases[c], &b = second.cases[c];
    paired_same(a.id == b.id, text("cases: '", a.id, "' and '", b.id, "'"));
    paired_same(a.group == b.group, text("patients of case '", a.id, "'"));
    paired_same(a.labels.size() == first.labels.size() && b.labels.size() == a.labels.size(),
                text("labels of case '", a.id, "'"));
    for (std::size_t l = 0; l < a.labels.size(); ++l)
      paired_same(
          a.labels[l].truth == b.labels[l].truth && a.labels[l].voxels == b.labels[l].voxels,
          text("truth of case '", a.id, "'"));
  }
}

struct Pairs {
  std::vector<double> first, second, difference;
  std::vector<std::int64_t> group;
};

// Of one label, or of all (their mean).
Pairs paired(ScoreSet const& a, ScoreSet const& b, ScoreRow const& row, std::size_t label) {
  Pairs out;
  std::int64_t own = -1;
  auto const value = [&](CaseScore const& one) {
    return label < a.labels.size() ? row.of(one.labels[label]) : score_of_case(one, row);
  };
  for (std::size_t c = 0; c < a.cases.size(); ++c) {
    auto const first = value(a.cases[c]), second = value(b.cases[c]);
    if (!first || !second) continue;
    out.first.push_back(*first);
    out.second.push_back(*second);
    out.difference.push_back(*first - *second);
    out.group.push_back(a.cases[c].group >= 0 ? a.cases[c].group : own--);
  }
  return out;
}

double paired_mean(std::vector<double> const& values, std::span<double const> weight) {
  double sum = 0, all = 0;
  for (std::size_t n = 0; n < values.size(); ++n) {
    sum += weight[n] * values[n];
    all += weight[n];
  }
  return all > 0 ? sum / all : std::numeric_limits<double>::quiet_NaN();
}

ScoreTest paired_test(Pairs const& pairs, BootstrapOptions const& options) {
  ScoreTest out;
  out.cases = static_cast<std::int64_t>(pairs.first.size());
  std::vector<double> const once(pairs.first.size(), 1.0);
  out.first = paired_mean(pairs.first, once);
  out.second = paired_mean(pairs.second, once);
  auto const mean = paired_mean(pairs.difference, once);
  auto const patient = patients(pairs.group, pairs.first.size());
  auto const people = patient.empty() ? 0 : *std::ranges::max_element(patient) + 1;
  auto draws = bootstrap(
      patient, 1,
      [&](std::span<double const> weight, std::span<double> into) {
        into[0] = paired_mean(pairs.difference, weight);
      },
      options);
  auto const value =
      std::isnan(mean) ? undefined("no case has an answer in both runs") : Value{mean, {}};
  out.difference = percentile_interval(value, std::move(draws[0]), people);
  out.test = signed_rank(pairs.difference);
  return out;
}

Json paired_number(double value) {
  return std::isfinite(value) ? Json(value) : Json{};
}

}  // namespace

std::vector<ScoreTest> compare(ScoreSet const& first,
                               ScoreSet const& second,
                               BootstrapOptions const& options) {
  paired_check(first, second);
  std::vector<ScoreTest> out;
  auto const labels = first.labels.size();
  for (auto const& row : score_rows()) {
    auto const add = [&](std::size_t label) {
      out.push_back(paired_test(paired(first, second, row, label), options));
      out.back().metric = row.name;
      out.back().label = label < labels ? first.labels[label] : "all";
    };
    add(labels);
    if (labels < 2) continue;
    for (std::size_t l = 0; l < labels; ++l) add(l);
  }
  return out;
}

Json to_json(std::vector<ScoreTest> const& tests) {
  auto out = Json::array();
  for (auto const& test : tests) {
    Json row;
    row["metric"] = test.metric;
    row["class"] = test.label;
    row["cases"] = test.cases;
    row["first"] = paired_number(test.first);
    row["second"] = paired_number(test.second);
    row["difference"] = to_json(test.difference);
    row["wilcoxon"] = {{"pairs", test.test.pairs}, {"zeros", test.test.zeros},
                       {"above", test.test.above}, {"below", test.test.below},
                       {"p", test.test.p},         {"method", test.test.method}};
    out.push_back(std::move(row));
  }
  return out;
}

}  // namespace fovea
