#include "learn/metric/delong.hpp"

#include "base/core/error.hpp"
#include "learn/metric/statistics.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

namespace fovea {
namespace {

constexpr auto delong_nan = std::numeric_limits<double>::quiet_NaN();

/// Ranks from 1, equal values sharing the mean of theirs.
std::vector<double> delong_midranks(std::vector<double> const& values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](auto i) { return values[i]; });
  std::vector<double> out(values.size());
  for (std::size_t begin = 0; begin < order.size();) {
    auto end = begin;
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    for (auto i = begin; i < end; ++i)
      out[order[i]] = 0.5 * static_cast<double>(begin + end + 1);
    begin = end;
  }
  return out;
}

/// One model's area, and by patient how far the placements of its positives among the negatives
/// (and of its negatives among the positives) are from it: V10 - area and V01 - area, summed.
struct DelongParts {
  double area = delong_nan;
  double positives = 0, negatives = 0;
  std::vector<double> above, below;  // by patient
};

DelongParts delong_parts(Binary const& rows,
                         std::vector<std::size_t> const& patient,
                         std::size_t patients) {
  std::vector<double> of_positive, of_negative;
  for (std::size_t i = 0; i < rows.score.size(); ++i) {
    if (std::isnan(rows.score[i]))
      throw Error{Fault::input, text("a score of '", rows.name, "' is not a number"),
                  "the model has diverged: train it with a lower learning rate"};
    (rows.positive[i] == 1 ? of_positive : of_negative).push_back(rows.score[i]);
  }
  auto const all = delong_midranks(rows.score);
  auto const among_positives = delong_midranks(of_positive);
  auto const among_negatives = delong_midranks(of_negative);
  DelongParts out;
  out.positives = static_cast<double>(of_positive.size());
  out.negatives = static_cast<double>(of_negative.size());
  double ranks = 0;
  for (std::size_t i = 0; i < all.size(); ++i) ranks += rows.positive[i] == 1 ? all[i] : 0;
  out.area = (ranks / out.positives - (out.positives + 1) / 2) / out.negatives;
  out.above.resize(patients);
  out.below.resize(patients);
  std::size_t p = 0, n = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (rows.positive[i] == 1)
      out.above[patient[i]] += (all[i] - among_positives[p++]) / out.negatives - out.area;
    else
      out.below[patient[i]] += 1 - (all[i] - among_negatives[n++]) / out.positives - out.area;
  }
  return out;
}

/// How many patients have positives, have negatives, and are there at all.
struct DelongPatients {
  double with_positives, with_negatives, all;
};

DelongPatients delong_patients(Binary const& rows,
                               std::vector<std::size_t> const& patient,
                               std::size_t patients) {
  std::vector<std::uint8_t> positive(patients), negative(patients);
  for (std::size_t i = 0; i < patient.size(); ++i)
    (rows.positive[i] == 1 ? positive : negative)[patient[i]] = 1;
  auto const count = [](auto const& marks) {
    return static_cast<double>(std::ranges::count(marks, 1));
  };
  return {count(positive), count(negative), static_cast<double>(patients)};
}

double delong_covariance(DelongParts const& a,
                         DelongParts const& b,
                         DelongPatients const& many) {
  double above = 0, below = 0, across = 0;
  for (std::size_t i = 0; i < a.above.size(); ++i) {
    above += a.above[i] * b.above[i];
    below += a.below[i] * b.below[i];
    across += a.above[i] * b.below[i] + a.below[i] * b.above[i];
  }
  auto const unbiased = [](double count) { return count / (count - 1); };
  return unbiased(many.with_positives) * above / (a.positives * a.positives) +
         unbiased(many.with_negatives) * below / (a.negatives * a.negatives) +
         unbiased(many.all) * across / (a.positives * a.negatives);
}

std::string delong_method(Binary const& rows, DelongPatients const& many) {
  return many.all < static_cast<double>(rows.score.size())
             ? "DeLong, patients with several cases (Obuchowski)"
             : "DeLong";
}

std::string delong_missing(Binary const& rows) {
  if (rows.positives() == 0) return "no case of '" + rows.name + "'";
  if (rows.negatives() == 0) return "only cases of '" + rows.name + "'";
  return {};
}

Interval delong_interval(DelongParts const& parts,
                         Binary const& rows,
                         DelongPatients const& many) {
  Interval out{parts.area, delong_nan, delong_nan, true, {}, delong_method(rows, many)};
  if (many.with_positives < 2 || many.with_negatives < 2) {
    out.why = "the interval needs two patients with and two without '" + rows.name + "'";
    return out;
  }
  auto const error = std::sqrt(std::max(0.0, delong_covariance(parts, parts, many)));
  out.low = std::max(0.0, parts.area - z95 * error);
  out.high = std::min(1.0, parts.area + z95 * error);
  if (error == 0) out.method += ", of no width: all cases of a class rank alike";
  return out;
}

std::size_t delong_count(std::vector<std::size_t> const& patient) {
  return patient.empty() ? 0 : *std::ranges::max_element(patient) + 1;
}

void delong_expect_scores(Binary const& rows) {
  if (rows.score.size() != rows.positive.size())
    throw Error{Fault::bug,
                text("expected a truth for each of ", rows.score.size(), " scores, got ",
                     rows.positive.size()),
                "give both of the same cases"};
}

}  // namespace

Interval delong(Binary const& rows) {
  delong_expect_scores(rows);
  if (auto const missing = delong_missing(rows); !missing.empty())
    return {delong_nan, delong_nan, delong_nan, false, missing, "DeLong"};
  auto const patient = patients(rows.groups, rows.score.size());
  auto const count = delong_count(patient);
  return delong_interval(delong_parts(rows, patient, count), rows,
                         delong_patients(rows, patient, count));
}

AreaTest delong_test(Binary const& first, Binary const& second) {
  delong_expect_scores(first);
  delong_expect_scores(second);
  auto const patient = patients(first.groups, first.score.size());
  if (first.positive != second.positive ||
      patient != patients(second.groups, second.score.size()))
    throw Error{Fault::input,
                "expected two models on the same cases, got different truth or patients",
                "evaluate both on the same split of the same data"};
  AreaTest out;
  out.first = delong(first);
  out.second = delong(second);
  out.z = out.p = delong_nan;
  out.difference = {delong_nan, delong_nan, delong_nan, false, out.first.why, "DeLong"};
  out.why = out.first.why;
  if (!out.first.defined) return out;

  auto const count = delong_count(patient);
  auto const many = delong_patients(first, patient, count);
  auto const a = delong_parts(first, patient, count);
  auto const b = delong_parts(second, patient, count);
  auto const gap = a.area - b.area;
  out.difference = {gap,  delong_nan,    delong_nan,
                    true, out.first.why, delong_method(first, many)};
  if (!out.why.empty()) return out;

  DelongParts apart = a;
  for (std::size_t i = 0; i < apart.above.size(); ++i) {
    apart.above[i] -= b.above[i];
    apart.below[i] -= b.below[i];
  }
  // The variance of the difference, from differences: nothing cancels when both models agree.
  auto const error = std::sqrt(std::max(0.0, delong_covariance(apart, apart, many)));
  out.difference.low = gap - z95 * error;
  out.difference.high = gap + z95 * error;
  if (error > 1e-12) {
    out.z = gap / error;
    out.p = two_sided_p(out.z);
  } else if (std::abs(gap) < 1e-12) {
    out.z = 0;
    out.p = 1;
  } else {
    out.why = "the difference does not vary over the cases: nothing to test against";
  }
  return out;
}

}  // namespace fovea
