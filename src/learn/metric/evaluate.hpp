#pragma once

#include "base/core/json.hpp"
#include "learn/metric/bootstrap.hpp"
#include "learn/metric/ready.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fovea {

/// One row for each metric. Add yours in catalogue.cpp: a name, and functions of a draw (the
/// rows, each case counted so many times). Intervals, macro averages, JSON and the report
/// follow from it.
struct MetricRow {
  std::string_view name;
  std::string_view does;
  bool higher_is_better = true;

  /// One class against the rest; null where that makes no sense.
  Value (*of_class)(Drawn const& draw, std::size_t which) = nullptr;
  /// The whole. Null: the second class's value where there are two classes, else the macro
  /// average.
  Value (*of_all)(Drawn const& draw) = nullptr;

  /// For shares of cases, which have Wilson's interval: does this case count, and is it a hit?
  /// 1 hit, 0 miss, -1 does not count. Null: the interval is by bootstrap.
  int (*trial)(ReadyRows const& made, std::size_t one, std::size_t which) = nullptr;
  /// The same for `of_all` of single-label rows.
  int (*trial_of_all)(ReadyRows const& made, std::size_t one) = nullptr;

  bool ranks = false;      ///< the area under the ROC curve: DeLong's interval
  bool many_only = false;  ///< says nothing new where there are two classes
};
std::span<MetricRow const> metrics();
/// Throws Error{usage} with the nearest name.
MetricRow const& metric_named(std::string_view name);

/// The unweighted mean over the classes that have known positives and negatives. Undefined if
/// there are no such classes or it is undefined in one of them.
Value macro_average(Drawn const& draw, Value (*of_class)(Drawn const&, std::size_t));

/// One metric of the rows as they are, without an interval: for choosing while training.
Value measure(MetricRow const& metric, ClassRows const& rows);

struct EvaluateOptions {
  BootstrapOptions bootstrap;
};

using NamedIntervals = std::vector<std::pair<std::string, Interval>>;

struct ClassResult {
  std::string name;
  std::int64_t cases = 0;      ///< whose truth is known
  std::int64_t positives = 0;  ///< of these
  std::int64_t tp = 0, fp = 0, fn = 0, tn = 0;
  NamedIntervals metrics;
};

/// All metrics of a set of cases.
struct ClassReport {
  bool multi_label = false;
  std::int64_t cases = 0;  ///< with at least one known label
  NamedIntervals metrics;
  std::vector<ClassResult> per_class;
  std::vector<std::vector<std::int64_t>> confusion;  ///< [truth][found]; empty if multi-label

  Interval const& operator[](
      std::string_view metric) const;  ///< Throws Error{bug} if there is none
};

/// Intervals: DeLong for one class's area, Wilson for shares of cases, bootstrap by patient for
/// the rest; where patients have several cases all three take them together. With two classes
/// the second is the positive one; with more, and multi-label, values are macro averages over
/// the classes that have cases (`method` says which have none) and the rows named "…_micro"
/// pool all classes. Accuracy is by the most probable class; multi-label: the share of known
/// labels that 1/2 as threshold gets right. Throws as check() does, and Error{input} if there
/// is no case with a known truth.
ClassReport evaluate(ClassRows const& rows, EvaluateOptions const& options = {});

/// {"value","low","high","method"}; what is undefined is null, with "why".
Json to_json(Interval const& interval);
/// {"metrics":{NAME:{…}},"per_class":[{"class","cases","positives",NAME:{…}}],"confusion":[[…]]};
/// multi-label: "confusion" holds [[tn, fp], [fn, tp]] for each class.
Json to_json(ClassReport const& report);
/// [{"id","truth","found","probabilities":{CLASS:P}}]: truth and found are names (lists of
/// names if multi-label), truth null where unknown.
Json per_case(ClassRows const& rows);

}  // namespace fovea
