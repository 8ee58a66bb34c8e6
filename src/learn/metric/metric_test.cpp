#include "base/core/error.hpp"
#include "base/core/rng.hpp"
#include "learn/metric/bootstrap.hpp"
#include "learn/metric/calibration.hpp"
#include "learn/metric/compare.hpp"
#include "learn/metric/confusion.hpp"
#include "learn/metric/curve.hpp"
#include "learn/metric/delong.hpp"
#include "learn/metric/evaluate.hpp"
#include "learn/metric/operating.hpp"
#include "learn/metric/wilson.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

namespace fovea {
namespace {

constexpr auto metric_nan = std::numeric_limits<double>::quiet_NaN();

/// Two classes, from the probabilities of the second.
ClassRows metric_two(std::vector<double> const& second, std::vector<std::int32_t> truth) {
  ClassRows rows;
  rows.classes = {"NORMAL", "PNEUMONIA"};
  rows.truth = std::move(truth);
  for (auto const p : second) {
    rows.ids.push_back(text("case ", rows.ids.size()));
    rows.probabilities.push_back(1 - p);
    rows.probabilities.push_back(p);
  }
  return rows;
}

/// `each` cases of every patient; those of a patient are alike.
ClassRows metric_random(std::uint64_t seed, std::size_t patients, std::size_t each = 1) {
  Rng rng{seed};
  std::vector<double> scores;
  std::vector<std::int32_t> truth;
  std::vector<std::int64_t> groups;
  for (std::size_t i = 0; i < patients; ++i) {
    auto const positive = rng.chance(0.4);
    auto const score = 1 / (1 + std::exp(-rng.normal(positive ? 0.7 : -0.7)));
    for (std::size_t k = 0; k < each; ++k) {
      scores.push_back(score);
      truth.push_back(positive ? 1 : 0);
      groups.push_back(static_cast<std::int64_t>(i));
    }
  }
  auto rows = metric_two(scores, truth);
  rows.groups = groups;
  return rows;
}

EvaluateOptions metric_quick(int draws = 50) {
  EvaluateOptions options;
  options.bootstrap.draws = draws;
  return options;
}

// DeLong's estimator by its definition, over all pairs.
struct MetricPairs {
  double area;
  std::vector<double> above, below;

  explicit MetricPairs(Binary const& rows) : area(0) {
    std::vector<double> p, n;
    for (std::size_t i = 0; i < rows.score.size(); ++i)
      (rows.positive[i] == 1 ? p : n).push_back(rows.score[i]);
    auto const kernel = [](double a, double b) { return a > b ? 1.0 : a == b ? 0.5 : 0.0; };
    for (auto const a : p) {
      double sum = 0;
      for (auto const b : n) sum += kernel(a, b);
      above.push_back(sum / static_cast<double>(n.size()));
    }
    for (auto const b : n) {
      double sum = 0;
      for (auto const a : p) sum += kernel(a, b);
      below.push_back(sum / static_cast<double>(p.size()));
    }
    for (auto const a : above) area += a / static_cast<double>(p.size());
  }

  static double covariance(std::vector<double> const& a,
                           double mean_a,
                           std::vector<double> const& b,
                           double mean_b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - mean_a) * (b[i] - mean_b);
    auto const count = static_cast<double>(a.size());
    return sum / (count - 1) / count;
  }
  double with(MetricPairs const& other) const {
    return covariance(above, area, other.above, other.area) +
           covariance(below, area, other.below, other.area);
  }
};

TEST(Delong, EqualsItsDefinitionOverAllPairs) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(seed);
    auto rows = one_against_rest(metric_random(seed, 120), 1);
    auto other = rows;
    Rng rng{seed + 100};
    for (auto& score : rows.score) score = std::round(score * 12) / 12;  // ties
    for (auto& score : other.score) score += rng.normal(0, 0.2);
    MetricPairs const a{rows}, b{other};
    auto const got = delong_test(rows, other);
    auto const error = std::sqrt(a.with(a) + b.with(b) - 2 * a.with(b));
    EXPECT_NEAR(got.first.value, a.area, 1e-12);
    EXPECT_NEAR(got.first.low, a.area - z95 * std::sqrt(a.with(a)), 1e-12);
    EXPECT_NEAR(got.difference.value, a.area - b.area, 1e-12);
    EXPECT_NEAR(got.difference.high, a.area - b.area + z95 * error, 1e-12);
    EXPECT_NEAR(got.z, (a.area - b.area) / error, 1e-9);
    EXPECT_NEAR(got.p, std::erfc(std::abs(got.z) / std::sqrt(2)), 1e-12);
  }
}

TEST(Delong, WorkedByHand) {
  // Positives 3, 2, 1.5; negatives 2, 1, 0. V10 = 1, 5/6, 2/3; V01 = 1/2, 1, 1. Area 5/6.
  Binary const rows{"x", {3, 2, 1.5, 2, 1, 0}, {1, 1, 1, 0, 0, 0}, {}};
  auto const got = delong(rows);
  auto const variance = (1.0 / 36) / 3 + (1.0 / 12) / 3;
  EXPECT_NEAR(got.value, 5.0 / 6, 1e-15);
  EXPECT_NEAR(got.low, 5.0 / 6 - z95 * std::sqrt(variance), 1e-15);
  EXPECT_EQ(got.high, 1.0);
}

TEST(Delong, CopiesOfACaseAddNoCertaintyWhenThePatientIsKnown) {
  auto const once = delong(one_against_rest(metric_random(7, 150), 1));
  auto rows = one_against_rest(metric_random(7, 150, 4), 1);
  auto const grouped = delong(rows);
  rows.groups.clear();
  auto const naive = delong(rows);
  EXPECT_NEAR(grouped.value, once.value, 1e-12);
  EXPECT_NEAR(grouped.high - grouped.low, once.high - once.low, 1e-12);
  EXPECT_NE(grouped.method.find("Obuchowski"), std::string::npos);
  EXPECT_LT(naive.high - naive.low, 0.6 * (once.high - once.low));
}

TEST(Delong, ModelsThatRankAlikeDoNotDiffer) {
  auto const rows = one_against_rest(metric_random(3, 60), 1);
  auto squared = rows;
  for (auto& score : squared.score) score *= score;
  auto const got = delong_test(rows, squared);
  EXPECT_EQ(got.difference.value, 0);
  EXPECT_EQ(got.p, 1);
}

TEST(Delong, RefusesOtherCasesAndNoNumbers) {
  auto const rows = one_against_rest(metric_random(3, 60), 1);
  auto other = rows;
  other.positive[0] = 1 - other.positive[0];
  EXPECT_THROW(delong_test(rows, other), Error);
  other = rows;
  other.score[5] = metric_nan;
  EXPECT_THROW(delong(other), Error);
  EXPECT_THROW(auc(other), Error);
}

TEST(Delong, SaysWhatIsMissing) {
  auto const none = delong(Binary{"x", {0.5, 0.7}, {0, 0}, {}});
  EXPECT_FALSE(none.defined);
  EXPECT_EQ(none.why, "no case of 'x'");
  auto const one = delong(Binary{"x", {0.5, 0.7, 0.2}, {0, 1, 0}, {}});
  EXPECT_EQ(one.value, 1);
  EXPECT_TRUE(std::isnan(one.low));
  EXPECT_FALSE(one.why.empty());
  auto const perfect = delong(Binary{"x", {0.1, 0.2, 0.8, 0.9}, {0, 0, 1, 1}, {}});
  EXPECT_NE(perfect.method.find("no width"), std::string::npos);
}

TEST(Wilson, TakesCasesOfAPatientTogether) {
  std::vector<std::uint8_t> hit;
  std::vector<std::size_t> alone, shared;
  for (std::size_t i = 0; i < 40; ++i) {
    for (int copy = 0; copy < 3; ++copy) {
      hit.push_back(i % 4 == 0 ? 0 : 1);
      alone.push_back(hit.size());
      shared.push_back(i);
    }
  }
  auto const naive = wilson_by_patient(hit, alone);
  auto const grouped = wilson_by_patient(hit, shared);
  auto const once = wilson(30, 40);
  EXPECT_NEAR(naive.low, wilson(90, 120).low, 1e-15);
  EXPECT_EQ(grouped.value, 0.75);
  EXPECT_NEAR(grouped.low, once.low, 0.003);  // 39 patients' worth: the variance is unbiased
  EXPECT_LT(grouped.low, naive.low);
  auto const all = wilson_by_patient(std::vector<std::uint8_t>(120, 1), shared);
  EXPECT_NEAR(all.low, wilson(40, 40).low, 1e-15);
}

TEST(Bootstrap, SameSeedSameDrawsForAnyNumberOfThreads) {
  auto const rows = metric_random(5, 80, 2);
  auto options = metric_quick(200);
  auto const once = to_json(evaluate(rows, options)).dump();
  options.bootstrap.threads = 4;
  EXPECT_EQ(to_json(evaluate(rows, options)).dump(), once);
  options.bootstrap.seed = 1;
  EXPECT_NE(to_json(evaluate(rows, options)).dump(), once);
}

TEST(Bootstrap, ContainsTheTruthAboutAsOftenAsItSays) {
  // The mean of 60 normal numbers; truth 0.
  std::vector<std::size_t> patient(60);
  std::iota(patient.begin(), patient.end(), std::size_t{0});
  int inside = 0;
  constexpr int repeats = 300;
  for (std::uint64_t seed = 0; seed < repeats; ++seed) {
    Rng rng{{77, seed}};
    std::vector<double> sample(60);
    for (auto& one : sample) one = rng.normal();
    auto const draws = bootstrap(patient, 1,
                                 [&](std::span<double const> weight, std::span<double> out) {
                                   for (std::size_t i = 0; i < 60; ++i)
                                     out[0] += weight[i] * sample[i] / 60;
                                 },
                                 {.draws = 400, .seed = seed});
    auto const got = percentile_interval({0, {}}, draws[0], 60);
    inside += got.low <= 0 && got.high >= 0 ? 1 : 0;
  }
  EXPECT_GT(inside, repeats * 0.90);
  EXPECT_LT(inside, repeats * 0.985);
}

TEST(Bootstrap, AgreesWithDelongOnTheArea) {
  auto const rows = metric_random(11, 300);
  ReadyRows const made{rows};
  auto const draws = bootstrap(patients(rows.groups, rows.cases()), 1,
                               [&](std::span<double const> weight, std::span<double> out) {
                                 out[0] = auc(Drawn{made, weight}, 1).value;
                               },
                               {.draws = 2000, .seed = 1});
  auto const formula = delong(one_against_rest(rows, 1));
  auto const drawn = percentile_interval({formula.value, {}}, draws[0], 300);
  EXPECT_NEAR(drawn.low, formula.low, 0.01);
  EXPECT_NEAR(drawn.high, formula.high, 0.01);
}

TEST(Bootstrap, LeavesOutUndefinedDrawsAndSaysSo) {
  auto const few = percentile_interval({0.5, {}}, {0.4, metric_nan, 0.6, 0.5, 0.5}, 9);
  EXPECT_NE(few.method.find("1 undefined"), std::string::npos);
  EXPECT_NEAR(few.low, 0.4 + 0.075 * 0.1, 1e-12);
  auto const most = percentile_interval({0.5, {}}, {0.4, metric_nan, metric_nan, 0.6}, 9);
  EXPECT_TRUE(most.defined);
  EXPECT_TRUE(std::isnan(most.low));
  EXPECT_FALSE(most.why.empty());
}

TEST(Evaluate, SaysWhatOneClassOnlyLeavesUndefined) {
  auto const report = evaluate(metric_two({0.2, 0.6, 0.1}, {0, 0, 0}), metric_quick());
  for (auto const name : {"auc", "average_precision", "sensitivity", "balanced_accuracy"}) {
    SCOPED_TRACE(name);
    EXPECT_FALSE(report[name].defined);
    EXPECT_NE(report[name].why.find("PNEUMONIA"), std::string::npos);
  }
  EXPECT_NEAR(report["accuracy"].value, 2.0 / 3, 1e-15);
  EXPECT_NEAR(report["specificity"].value, 2.0 / 3, 1e-15);
  auto const json = to_json(report);
  EXPECT_TRUE(json["metrics"]["auc"]["value"].is_null());
  EXPECT_EQ(json["metrics"]["auc"]["why"], "no case of 'PNEUMONIA'");
  EXPECT_EQ(json.dump().find("nan"), std::string::npos);
}

TEST(Evaluate, PrecisionOfWhatIsNeverFoundIsUndefinedAndItsF1Zero) {
  auto const report = evaluate(metric_two({0.2, 0.3, 0.1, 0.4}, {0, 1, 0, 1}), metric_quick());
  EXPECT_FALSE(report["precision"].defined);
  EXPECT_EQ(report["f1"].value, 0);
  EXPECT_EQ(report["auc"].value, 1);
}

TEST(Evaluate, AveragesOverTheClassesThatHaveCasesAndNamesTheOthers) {
  ClassRows rows;
  rows.classes = {"a", "b", "c"};
  rows.ids = {"1", "2", "3", "4"};
  rows.truth = {0, 1, 0, 1};
  rows.probabilities = {0.6, 0.2, 0.2, 0.3, 0.5, 0.2, 0.3, 0.4, 0.3, 0.1, 0.8, 0.1};
  auto const report = evaluate(rows, metric_quick());
  EXPECT_NEAR(report["balanced_accuracy"].value, 0.75, 1e-15);
  EXPECT_NE(report["balanced_accuracy"].method.find("2 of 3 classes (no case of 'c')"),
            std::string::npos);
  EXPECT_FALSE(report.per_class[2].metrics[0].second.defined);
}

TEST(Evaluate, LeavesUnknownLabelsOut) {
  auto const all = metric_random(9, 50);
  auto rows = all;
  for (int i = 0; i < 5; ++i) {
    rows.ids.push_back(text("unknown ", i));
    rows.groups.push_back(1000 + i);
    rows.truth.push_back(-1);
    rows.probabilities.insert(rows.probabilities.end(), {0.5, 0.5});
  }
  auto const with = evaluate(rows, metric_quick(1));
  auto const without = evaluate(all, metric_quick(1));
  EXPECT_EQ(with.cases, 50);
  EXPECT_EQ(with.confusion, without.confusion);
  for (std::size_t i = 0; i < with.metrics.size(); ++i)
    EXPECT_NEAR(with.metrics[i].second.value, without.metrics[i].second.value, 1e-12)
        << with.metrics[i].first;
  EXPECT_TRUE(per_case(rows)[50]["truth"].is_null());
}

TEST(Evaluate, EveryIntervalHoldsItsValue) {
  auto const report = evaluate(metric_random(13, 200), metric_quick(400));
  for (auto const& [name, one] : report.metrics) {
    SCOPED_TRACE(name);
    ASSERT_TRUE(one.defined);
    EXPECT_LE(one.low, one.value + (name == "ece" ? 0.05 : 0));  // draws add to a sum of sizes
    EXPECT_GE(one.high, one.value);
    EXPECT_LT(one.low, one.high);
  }
}

TEST(Evaluate, HoldsTheNamesThatScriptsRead) {
  auto const json = to_json(evaluate(metric_random(1, 40), metric_quick()));
  for (auto const name :
       {"accuracy", "balanced_accuracy", "auc", "average_precision", "f1", "precision",
        "sensitivity", "specificity", "ece", "brier", "log_loss"}) {
    EXPECT_TRUE(json["metrics"][name]["value"].is_number()) << name;
    EXPECT_TRUE(json["metrics"][name].contains("low") && json["metrics"][name].contains("high"))
        << name;
  }
  EXPECT_EQ(json["per_class"][1]["class"], "PNEUMONIA");
  EXPECT_EQ(json["confusion"].size(), 2U);
}

struct MetricBadRows {
  char const* what;
  void (*spoil)(ClassRows&);
};

TEST(Rows, RefusesWhatDoesNotFit) {
  constexpr MetricBadRows bad[] = {
      {"not a number", [](ClassRows& r) { r.probabilities[1] = std::nan(""); }},
      {"infinite", [](ClassRows& r) { r.probabilities[1] = INFINITY; }},
      {"negative", [](ClassRows& r) { r.probabilities[1] = -0.1; }},
      {"logits", [](ClassRows& r) { r.probabilities[0] = 0.9, r.probabilities[1] = 0.9; }},
      {"too few probabilities", [](ClassRows& r) { r.probabilities.pop_back(); }},
      {"too few labels", [](ClassRows& r) { r.truth.pop_back(); }},
      {"too many patients", [](ClassRows& r) { r.groups.assign(7, 0); }},
      {"unknown class", [](ClassRows& r) { r.truth[0] = 2; }},
      {"label -2", [](ClassRows& r) { r.truth[0] = -2; }},
      {"one class", [](ClassRows& r) { r.classes.pop_back(); }},
      {"multi-label of the wrong size", [](ClassRows& r) { r.multi_label = true; }},
  };
  for (auto const& one : bad) {
    SCOPED_TRACE(one.what);
    auto rows = metric_two({0.1, 0.7, 0.4}, {0, 1, 0});
    EXPECT_NO_THROW(check(rows));
    one.spoil(rows);
    EXPECT_THROW(check(rows), Error);
    EXPECT_THROW(evaluate(rows, metric_quick(1)), Error);
  }
  EXPECT_THROW(evaluate(metric_two({0.5}, {-1})), Error);
  EXPECT_THROW(evaluate(metric_two({}, {})), Error);
}

TEST(OperatingPoints, AreChosenHereAndReportedThere) {
  auto const validation = one_against_rest(metric_random(21, 200), 1);
  auto const test = one_against_rest(metric_random(22, 200), 1);
  auto const points = choose_points(validation, {.sensitivity = 0.9, .specificity = 0.9});
  ASSERT_EQ(points.size(), 3U);
  auto const fixed_sensitivity = at_point(validation, points[1]);
  auto const fixed_specificity = at_point(validation, points[2]);
  EXPECT_GE(fixed_sensitivity.sensitivity.value, 0.9);
  EXPECT_LT(fixed_sensitivity.sensitivity.value, 0.93);
  EXPECT_GE(fixed_specificity.specificity.value, 0.9);
  EXPECT_LT(fixed_specificity.specificity.value, 0.93);
  auto const there = at_point(test, points[0]);
  EXPECT_EQ(there.tp + there.fp + there.fn + there.tn, 200);
  EXPECT_EQ(there.ppv.value,
            static_cast<double>(there.tp) / static_cast<double>(there.tp + there.fp));
  EXPECT_NEAR(
      there.sensitivity.low,
      wilson(static_cast<double>(there.tp), static_cast<double>(there.tp + there.fn)).low,
      1e-15);
  EXPECT_TRUE(to_json(there)["npv"]["value"].is_number());
}

TEST(OperatingPoints, SayWhyThereIsNone) {
  auto const one_class = choose_points(Binary{"x", {0.1, 0.5}, {0, 0}, {}});
  for (auto const& point : one_class) EXPECT_EQ(point.why, "no case of 'x'") << point.rule;
  auto const useless = choose_points(Binary{"x", {0.5, 0.5, 0.5}, {0, 1, 0}, {}});
  EXPECT_EQ(useless[0].why, "no threshold is better than chance");
  EXPECT_FALSE(useless[2].why.empty());
  auto const at = at_point(Binary{"x", {0.5, 0.2}, {1, 0}, {}}, useless[0]);
  EXPECT_FALSE(at.sensitivity.defined);
  EXPECT_TRUE(to_json(at)["threshold"].is_null());
  EXPECT_THROW(choose_points(Binary{"x", {0.5, 0.2}, {1, 0}, {}}, {.sensitivity = 1.5}), Error);
}

TEST(Temperature, FindsTheOneThatLogitsWereMultipliedBy) {
  Rng rng{4};
  std::vector<double> logits;
  std::vector<std::int32_t> truth;
  for (int i = 0; i < 20000; ++i) {
    auto const z = rng.normal(0, 2);
    truth.push_back(rng.chance(1 / (1 + std::exp(-z))) ? 1 : 0);
    logits.insert(logits.end(), {0, 2.5 * z});
  }
  auto const fitted = fit_temperature(logits, truth, 2, false);
  EXPECT_NEAR(fitted.value, 2.5, 0.1);
  EXPECT_LT(fitted.after, fitted.before);
}

TEST(Temperature, StaysInBoundsAndSaysSo) {
  auto const right = fit_temperature({3, 0, 0, 3}, {0, 1}, 2, false);
  EXPECT_EQ(right.value, 1);
  EXPECT_FALSE(right.why.empty());
  auto const wrong = fit_temperature({3, 0, 0, 3}, {1, 0}, 2, false);
  EXPECT_EQ(wrong.value, 20);
  EXPECT_FALSE(wrong.why.empty());
  auto const unknown = fit_temperature({3, 0}, {-1}, 2, false);
  EXPECT_EQ(unknown.value, 1);
  EXPECT_FALSE(unknown.why.empty());
  EXPECT_THROW(fit_temperature({3, 0, 1}, {0}, 2, false), Error);
  EXPECT_THROW(fit_temperature({metric_nan, 0}, {0}, 2, false), Error);
  EXPECT_THROW(fit_temperature({1, 0}, {2}, 2, false), Error);
}

TEST(Temperature, GivesProbabilitiesWhateverTheLogits) {
  auto const p = probabilities_of({1000, -1000, 0, 0}, 2, false, 2);
  EXPECT_EQ(p, (std::vector{1.0, 0.0, 0.5, 0.5}));
  EXPECT_EQ(probabilities_of({-2000, 0, 2000}, 3, true), (std::vector{0.0, 0.5, 1.0}));
}

TEST(Compare, CountsTheCasesThatOnlyOneGotRight) {
  auto const first = metric_two({0.9, 0.2, 0.8, 0.6, 0.1, 0.7}, {1, 0, 1, 0, -1, 1});
  auto const second = metric_two({0.4, 0.3, 0.7, 0.2, 0.9, 0.1}, {1, 0, 1, 0, -1, 1});
  auto const got = compare(first, second);
  ASSERT_EQ(got.right.size(), 1U);
  EXPECT_EQ(got.right[0].only_first, 2);
  EXPECT_EQ(got.right[0].only_second, 1);
  ASSERT_EQ(got.areas.size(), 1U);
  EXPECT_EQ(to_json(got)["auc"][0]["class"], "PNEUMONIA");
  auto other = second;
  other.ids[2] = "another case";
  EXPECT_THROW(compare(first, other), Error);
  other = second;
  other.truth[2] = 0;
  EXPECT_THROW(compare(first, other), Error);
}

TEST(EveryMetric, IsWithinItsRangeAndRefusesNothingThatIsRight) {
  auto const rows = metric_random(31, 100);
  for (auto const& row : metrics()) {
    SCOPED_TRACE(row.name);
    EXPECT_FALSE(row.does.empty());
    EXPECT_EQ(&metric_named(row.name), &row);
    EXPECT_TRUE(row.of_class != nullptr || row.of_all != nullptr);
    if (row.many_only) continue;
    auto const got = measure(row, rows);
    ASSERT_TRUE(got.defined());
    EXPECT_GE(got.value, 0);
    EXPECT_LE(got.value, 1);
  }
  EXPECT_THROW(metric_named("acuracy"), Error);
}

TEST(EveryMetric, CountsACaseOfWeightTwoAsTwoCases) {
  auto const once = metric_random(41, 30);
  auto twice = once;
  std::vector<double> weight(30, 1);
  for (std::size_t i = 0; i < 30; i += 3) {
    weight[i] = 2;
    twice.ids.push_back(once.ids[i] + " again");
    twice.groups.push_back(once.groups[i]);
    twice.truth.push_back(once.truth[i]);
    twice.probabilities.insert(twice.probabilities.end(),
                               {once.probabilities[2 * i], once.probabilities[2 * i + 1]});
  }
  ReadyRows const made{once};
  Drawn const draw{made, weight};
  for (auto const& row : metrics()) {
    if (row.many_only) continue;
    SCOPED_TRACE(row.name);
    auto const weighted = row.of_all != nullptr ? row.of_all(draw) : row.of_class(draw, 1);
    EXPECT_NEAR(weighted.value, measure(row, twice).value, 1e-12);
  }
}

}  // namespace
}  // namespace fovea
