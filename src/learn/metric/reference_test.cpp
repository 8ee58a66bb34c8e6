#include "base/core/error.hpp"
#include "base/core/json.hpp"
#include "learn/metric/calibration.hpp"
#include "learn/metric/compare.hpp"
#include "learn/metric/curve.hpp"
#include "learn/metric/evaluate.hpp"
#include "learn/metric/operating.hpp"
#include "learn/metric/wilson.hpp"

#include <gtest/gtest.h>

#include <cmath>

// Every number against scikit-learn's and SciPy's: reference.py made reference.json.
namespace fovea {
namespace {

constexpr double reference_close = 1e-9;

Json const& reference() {
  static auto const json =
      read_json(std::filesystem::path{FOVEA_SOURCE_DIR} / "src/learn/metric/reference.json");
  return json;
}

/// The generator of reference.py.
class ReferenceStream {
 public:
  explicit ReferenceStream(std::uint64_t seed) : state_(seed) {}
  double operator()() {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return static_cast<double>(state_ >> 11) * 0x1.0p-53;
  }

 private:
  std::uint64_t state_;
};

/// rows_of() of reference.py, to the last bit.
ClassRows reference_rows(Json const& from) {
  ReferenceStream u{from["seed"].get<std::uint64_t>()};
  auto const cases = from["cases"].get<int>();
  auto const classes = from["classes"].get<int>();
  auto const strength = from["strength"].get<double>();
  auto const rare = from["rare"].get<double>();
  auto const steps = from["steps"].get<double>();
  auto const unknown = from["unknown"].get<double>();
  ClassRows rows;
  rows.multi_label = from["multi_label"].get<bool>();
  for (int c = 0; c < classes; ++c) rows.classes.push_back(text("class ", c));
  for (int i = 0; i < cases; ++i) {
    rows.ids.push_back(text("case ", i));
    if (rows.multi_label) {
      for (int c = 0; c < classes; ++c) {
        auto const positive = u() < rare ? 1 : 0;
        auto p = (u() + (positive == 1 ? strength : 0.0)) / (1.0 + strength);
        if (steps > 0) p = std::floor(p * steps) / steps;
        rows.truth.push_back(u() < unknown ? -1 : positive);
        rows.probabilities.push_back(p);
      }
      continue;
    }
    auto const label = u() >= rare ? 0 : 1 + static_cast<int>(u() * (classes - 1));
    std::vector<double> raw;
    double total = 0;
    for (int c = 0; c < classes; ++c) {
      auto const base = 0.05 + u();
      auto r = base + (c == label ? strength * u() : 0.0);
      if (steps > 0) r = (1.0 + std::floor(r * steps)) / steps;
      raw.push_back(r);
      total += r;
    }
    rows.truth.push_back(u() < unknown ? -1 : label);
    for (auto const r : raw) rows.probabilities.push_back(r / total);
  }
  return rows;
}

EvaluateOptions quick() {
  EvaluateOptions options;
  options.bootstrap.draws = 20;
  return options;
}

void expect_metrics(Json const& expected, NamedIntervals const& metrics) {
  int compared = 0;
  for (auto const& [name, got] : metrics) {
    if (!expected.contains(name)) continue;
    SCOPED_TRACE(name);
    ++compared;
    if (expected[name].is_null()) {
      EXPECT_FALSE(got.defined);
      EXPECT_FALSE(got.why.empty());
      continue;
    }
    EXPECT_NEAR(got.value, expected[name].get<double>(), reference_close);
    auto const bounds = name + "_interval";
    if (!expected.contains(bounds) || expected[bounds].is_null()) continue;
    EXPECT_NEAR(got.low, expected[bounds][0].get<double>(), reference_close);
    EXPECT_NEAR(got.high, expected[bounds][1].get<double>(), reference_close);
  }
  EXPECT_GE(compared, 8) << "names changed: little is compared";
}

TEST(Reference, MetricsEqualScikitLearns) {
  ASSERT_EQ(reference()["cases"].size(), 10U);
  for (auto const& one : reference()["cases"]) {
    SCOPED_TRACE(one["case"].dump());
    auto const report = evaluate(reference_rows(one["case"]), quick());
    expect_metrics(one["all"], report.metrics);
    ASSERT_EQ(report.per_class.size(), one["per_class"].size());
    for (std::size_t c = 0; c < report.per_class.size(); ++c) {
      SCOPED_TRACE(c);
      expect_metrics(one["per_class"][c], report.per_class[c].metrics);
      auto const& got = report.per_class[c];
      EXPECT_EQ((std::vector{got.tp, got.fp, got.fn, got.tn}),
                one["per_class"][c]["counts"].get<std::vector<std::int64_t>>());
    }
    if (one["all"].contains("confusion")) {
      EXPECT_EQ(Json(report.confusion), one["all"]["confusion"]);
    }
  }
}

TEST(Reference, CurvesThresholdsAndReliabilityEqualScikitLearns) {
  for (auto const& one : reference()["cases"]) {
    SCOPED_TRACE(one["case"].dump());
    auto const rows = reference_rows(one["case"]);
    for (std::size_t c = 0; c < rows.classes.size(); ++c) {
      SCOPED_TRACE(c);
      auto const& expected = one["per_class"][c];
      auto const binary = one_against_rest(rows, c);
      double x = 0, y = 0;
      auto const points = curve(binary);
      for (auto const& point : points) {
        x += point.counts.fp / static_cast<double>(binary.negatives());
        y += point.counts.tp / static_cast<double>(binary.positives());
      }
      EXPECT_NEAR(x, expected["roc"][0].get<double>(), 1e-7);
      EXPECT_NEAR(y, expected["roc"][1].get<double>(), 1e-7);
      EXPECT_EQ(points.size(), expected["roc"][2].get<std::size_t>());
      auto const chosen = choose_points(binary);
      EXPECT_EQ(chosen[0].threshold, expected["youden_threshold"].get<double>());
      EXPECT_EQ(chosen[1].threshold, expected["sensitivity_threshold"].get<double>());
      auto const marks = reliability(binary);
      ASSERT_EQ(marks.size(), expected["reliability"][0].size());
      for (std::size_t b = 0; b < marks.size(); ++b) {
        EXPECT_NEAR(marks[b].share, expected["reliability"][0][b].get<double>(),
                    reference_close);
        EXPECT_NEAR(marks[b].confidence, expected["reliability"][1][b].get<double>(),
                    reference_close);
      }
    }
  }
}

TEST(Reference, TemperatureIsWhereSciPyFindsTheRoot) {
  for (auto const& one : reference()["cases"]) {
    SCOPED_TRACE(one["case"].dump());
    auto const rows = reference_rows(one["case"]);
    auto logits = rows.probabilities;
    for (auto& logit : logits) logit = rows.multi_label ? 3 * logit - 1 : 6 * logit;
    auto const fitted =
        fit_temperature(logits, rows.truth, rows.classes.size(), rows.multi_label);
    EXPECT_EQ(fitted.why, "");
    EXPECT_NEAR(fitted.value, one["temperature"].get<double>(), reference_close);
    EXPECT_LE(fitted.after, fitted.before);
  }
}

TEST(Reference, McNemarEqualsSciPys) {
  for (auto const& one : reference()["mcnemar"]) {
    SCOPED_TRACE(one.dump());
    auto const got =
        mcnemar(one["counts"][0].get<std::int64_t>(), one["counts"][1].get<std::int64_t>());
    auto const exact = one["exact_p"].get<double>();
    EXPECT_NEAR(got.exact_p, exact, reference_close * std::max(exact, 1e-300));
    EXPECT_NEAR(got.chi_squared, one["chi_squared"].get<double>(), reference_close);
    EXPECT_NEAR(got.chi_squared_p, one["chi_squared_p"].get<double>(), reference_close);
  }
}

TEST(Reference, WilsonEqualsSciPys) {
  for (auto const& one : reference()["wilson"]) {
    SCOPED_TRACE(one.dump());
    auto const got = wilson(one["counts"][0].get<double>(), one["counts"][1].get<double>());
    EXPECT_NEAR(got.low, one["interval"][0].get<double>(), reference_close);
    EXPECT_NEAR(got.high, one["interval"][1].get<double>(), reference_close);
  }
}

}  // namespace
}  // namespace fovea
