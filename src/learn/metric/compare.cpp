#include "learn/metric/compare.hpp"

#include "base/core/error.hpp"
#include "learn/metric/evaluate.hpp"
#include "learn/metric/ready.hpp"
#include "learn/metric/statistics.hpp"

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

void compare_same(bool same, std::string_view what) {
  if (!same)
    throw Error{Fault::input,
                text("expected two models on the same cases, got different ", what),
                "evaluate both on the same split of the same data"};
}

/// How often only one of both is right; single label: over all classes.
McNemar compare_right(ReadyRows const& a, ReadyRows const& b, std::size_t which) {
  std::int64_t only_first = 0, only_second = 0;
  for (std::size_t i = 0; i < a.cases; ++i) {
    if (!a.judged[i * a.columns + which].known) continue;
    auto const positive = a.truth(i, which) == 1;
    auto const first = a.rows.multi_label ? a.found(i, which) == positive : a.judged[i].right;
    auto const second = a.rows.multi_label ? b.found(i, which) == positive : b.judged[i].right;
    only_first += first && !second ? 1 : 0;
    only_second += second && !first ? 1 : 0;
  }
  return mcnemar(only_first, only_second);
}

Json compare_number(double value) {
  return std::isfinite(value) ? Json(value) : Json{};
}

}  // namespace

McNemar mcnemar(std::int64_t only_first, std::int64_t only_second) {
  if (only_first < 0 || only_second < 0)
    throw Error{Fault::bug, text("expected counts, got ", only_first, " and ", only_second),
                "count cases"};
  McNemar out{.only_first = only_first, .only_second = only_second};
  auto const all = only_first + only_second;
  if (all == 0) return out;
  out.exact_p = std::min(1.0, 2 * binomial_half(std::min(only_first, only_second), all));
  auto const gap = std::max(0.0, std::abs(static_cast<double>(only_first - only_second)) - 1);
  out.chi_squared = gap * gap / static_cast<double>(all);
  out.chi_squared_p = chi_squared_p(out.chi_squared);
  return out;
}

Comparison compare(ClassRows const& first, ClassRows const& second) {
  ReadyRows const a{first};
  ReadyRows const b{second};
  compare_same(first.classes == second.classes && first.multi_label == second.multi_label,
               "classes");
  compare_same(first.ids == second.ids, "cases");
  compare_same(first.truth == second.truth, "truth");
  compare_same(patients(first.groups, a.cases) == patients(second.groups, b.cases), "patients");
  Comparison out;
  out.classes = first.classes;
  for (std::size_t c = a.two_classes() ? 1 : 0; c < a.classes; ++c)
    out.areas.push_back(delong_test(one_against_rest(first, c), one_against_rest(second, c)));
  for (std::size_t c = 0; c < a.columns; ++c) out.right.push_back(compare_right(a, b, c));
  return out;
}

Json to_json(Comparison const& comparison) {
  Json out;
  out["auc"] = Json::array();
  auto const offset = comparison.classes.size() - comparison.areas.size();
  for (std::size_t i = 0; i < comparison.areas.size(); ++i) {
    auto const& test = comparison.areas[i];
    Json row;
    row["class"] = comparison.classes[offset + i];
    row["first"] = to_json(test.first);
    row["second"] = to_json(test.second);
    row["difference"] = to_json(test.difference);
    row["z"] = compare_number(test.z);
    row["p"] = compare_number(test.p);
    if (!test.why.empty()) row["why"] = test.why;
    out["auc"].push_back(std::move(row));
  }
  out["mcnemar"] = Json::array();
  for (std::size_t i = 0; i < comparison.right.size(); ++i) {
    auto const& test = comparison.right[i];
    Json row;
    row["class"] = comparison.right.size() == 1 && comparison.classes.size() > 1
                       ? Json("all")
                       : Json(comparison.classes[i]);
    row["only_first_right"] = test.only_first;
    row["only_second_right"] = test.only_second;
    row["exact_p"] = test.exact_p;
    row["chi_squared"] = test.chi_squared;
    row["chi_squared_p"] = test.chi_squared_p;
    out["mcnemar"].push_back(std::move(row));
  }
  return out;
}

}  // namespace fovea
