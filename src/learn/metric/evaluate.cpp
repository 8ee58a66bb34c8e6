#include "learn/metric/evaluate.hpp"

#include "base/core/error.hpp"
#include "learn/metric/confusion.hpp"
#include "learn/metric/delong.hpp"
#include "learn/metric/wilson.hpp"

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

constexpr auto evaluate_all = static_cast<std::size_t>(-1);

/// A number that the report holds: a metric, of one class or of all.
struct EvaluateItem {
  MetricRow const* metric;
  std::size_t which;  // evaluate_all: of all
};

Value evaluate_value(EvaluateItem const& item, Drawn const& draw) {
  auto const& metric = *item.metric;
  if (item.which != evaluate_all) return metric.of_class(draw, item.which);
  if (metric.of_all != nullptr) return metric.of_all(draw);
  if (draw.made.two_classes()) return metric.of_class(draw, 1);
  return macro_average(draw, metric.of_class);
}

/// The class whose value this is, if it is one's: the second of two stands for all.
std::size_t evaluate_class(EvaluateItem const& item, ReadyRows const& made) {
  if (item.which != evaluate_all) return item.which;
  return item.metric->of_all == nullptr && made.two_classes() ? 1 : evaluate_all;
}

template <class Trial>
Interval evaluate_share(ReadyRows const& made,
                        std::vector<std::size_t> const& patient,
                        Value const& value,
                        Trial const& trial) {
  std::vector<std::uint8_t> hit;
  std::vector<std::size_t> who;
  for (std::size_t i = 0; i < made.cases; ++i) {
    auto const outcome = trial(i);
    if (outcome < 0) continue;
    hit.push_back(static_cast<std::uint8_t>(outcome));
    who.push_back(patient[i]);
  }
  auto out = wilson_by_patient(hit, who);
  out.why = value.why;
  return out;
}

/// By formula where there is one; else nothing, and the bootstrap is asked.
std::optional<Interval> evaluate_formula(EvaluateItem const& item,
                                         ReadyRows const& made,
                                         std::vector<std::size_t> const& patient,
                                         Value const& value) {
  auto const& metric = *item.metric;
  auto const which = evaluate_class(item, made);
  if (which != evaluate_all) {
    if (metric.ranks) return delong(one_against_rest(made.rows, which));
    if (metric.trial != nullptr)
      return evaluate_share(made, patient, value,
                            [&](std::size_t one) { return metric.trial(made, one, which); });
  } else if (metric.trial_of_all != nullptr && !made.rows.multi_label) {
    return evaluate_share(made, patient, value,
                          [&](std::size_t one) { return metric.trial_of_all(made, one); });
  }
  return std::nullopt;
}

bool evaluate_is_macro(EvaluateItem const& item, ReadyRows const& made) {
  if (evaluate_class(item, made) != evaluate_all) return false;
  return item.metric->of_all == nullptr || item.metric->name == "balanced_accuracy";
}

std::vector<EvaluateItem> evaluate_items(ReadyRows const& made) {
  std::vector<EvaluateItem> out;
  for (auto const& metric : metrics()) {
    if (metric.many_only && made.two_classes()) continue;
    out.push_back({&metric, evaluate_all});
    for (std::size_t c = 0; metric.of_class != nullptr && c < made.classes; ++c)
      out.push_back({&metric, c});
  }
  return out;
}

std::vector<Interval> evaluate_intervals(std::vector<EvaluateItem> const& items,
                                         Drawn const& whole,
                                         EvaluateOptions const& options) {
  auto const& made = whole.made;
  auto const patient = patients(made.rows.groups, made.cases);
  auto const count = patient.empty() ? 0 : *std::ranges::max_element(patient) + 1;
  std::vector<Interval> out(items.size());
  std::vector<std::size_t> open;
  std::vector<Value> values;
  for (std::size_t i = 0; i < items.size(); ++i) {
    values.push_back(evaluate_value(items[i], whole));
    if (auto const found = evaluate_formula(items[i], made, patient, values[i]))
      out[i] = *found;
    else
      open.push_back(i);
  }
  auto const draws = bootstrap(
      patient, open.size(),
      [&](std::span<double const> weight, std::span<double> into) {
        Drawn const draw{made, weight};
        for (std::size_t i = 0; i < open.size(); ++i) {
          // What is undefined for all cases stays so: no need to look at its draws.
          if (values[open[i]].defined()) into[i] = evaluate_value(items[open[i]], draw).value;
        }
      },
      options.bootstrap);
  for (std::size_t i = 0; i < open.size(); ++i)
    out[open[i]] = percentile_interval(values[open[i]], draws[i], count);
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (out[i].defined && !made.left_out.empty() && evaluate_is_macro(items[i], made))
      out[i].method += "; over " + std::to_string(made.in_play.size()) + " of " +
                       std::to_string(made.classes) + " classes (" + made.left_out + ")";
  }
  return out;
}

std::int64_t evaluate_whole(double count) {
  return static_cast<std::int64_t>(std::llround(count));
}

ClassResult evaluate_class_result(std::string const& name, Counts const& counts) {
  ClassResult out;
  out.name = name;
  out.tp = evaluate_whole(counts.tp);
  out.fp = evaluate_whole(counts.fp);
  out.fn = evaluate_whole(counts.fn);
  out.tn = evaluate_whole(counts.tn);
  out.positives = out.tp + out.fn;
  out.cases = out.positives + out.fp + out.tn;
  return out;
}

std::int64_t evaluate_known_cases(ReadyRows const& made) {
  std::int64_t out = 0;
  for (std::size_t i = 0; i < made.cases; ++i) {
    bool known = false;
    for (std::size_t c = 0; c < made.columns; ++c)
      known = known || made.judged[i * made.columns + c].known;
    out += known ? 1 : 0;
  }
  return out;
}

Json evaluate_names(ReadyRows const& made, std::size_t one, bool of_truth) {
  if (!made.rows.multi_label) {
    auto const label = of_truth ? made.rows.truth[one] : made.top[one];
    return label < 0 ? Json{} : Json(made.rows.classes[static_cast<std::size_t>(label)]);
  }
  auto out = Json::array();
  bool known = !of_truth;
  for (std::size_t c = 0; c < made.classes; ++c) {
    auto const truth = made.truth(one, c);
    known = known || truth >= 0;
    if (of_truth ? truth == 1 : made.found(one, c)) out.push_back(made.rows.classes[c]);
  }
  return known ? out : Json{};
}

Json evaluate_number(double value) {
  return std::isfinite(value) ? Json(value) : Json{};
}

}  // namespace

Interval const& ClassReport::operator[](std::string_view metric) const {
  auto const found = std::ranges::find(metrics, metric, &NamedIntervals::value_type::first);
  if (found == metrics.end())
    throw Error{Fault::bug, text("the report holds no metric '", metric, "'"),
                "ask for a row of metrics()"};
  return found->second;
}

Value measure(MetricRow const& metric, ClassRows const& rows) {
  ReadyRows const made{rows};
  std::vector<double> const once(made.cases, 1);
  return evaluate_value({&metric, evaluate_all}, Drawn{made, once});
}

ClassReport evaluate(ClassRows const& rows, EvaluateOptions const& options) {
  ReadyRows const made{rows};
  std::vector<double> const once(made.cases, 1);
  Drawn const whole{made, once};
  ClassReport out;
  out.multi_label = rows.multi_label;
  out.cases = evaluate_known_cases(made);
  if (out.cases == 0)
    throw Error{Fault::input,
                text("expected cases whose truth is known, got none of ", made.cases),
                "evaluate a split that has labels"};
  for (std::size_t c = 0; c < made.classes; ++c)
    out.per_class.push_back(evaluate_class_result(rows.classes[c], whole.counts[c]));
  if (!rows.multi_label) out.confusion = confusion_matrix(rows);

  auto const items = evaluate_items(made);
  auto const intervals = evaluate_intervals(items, whole, options);
  for (std::size_t i = 0; i < items.size(); ++i) {
    auto& into =
        items[i].which == evaluate_all ? out.metrics : out.per_class[items[i].which].metrics;
    into.emplace_back(items[i].metric->name, intervals[i]);
  }
  return out;
}

Json to_json(Interval const& interval) {
  Json out;
  out["value"] = interval.defined ? evaluate_number(interval.value) : Json{};
  out["low"] = interval.defined ? evaluate_number(interval.low) : Json{};
  out["high"] = interval.defined ? evaluate_number(interval.high) : Json{};
  if (!interval.why.empty()) out["why"] = interval.why;
  if (interval.defined) out["method"] = interval.method;
  return out;
}

Json to_json(ClassReport const& report) {
  Json out;
  out["metrics"] = Json::object();
  for (auto const& [name, interval] : report.metrics) out["metrics"][name] = to_json(interval);
  out["per_class"] = Json::array();
  out["confusion"] = report.multi_label ? Json::array() : Json(report.confusion);
  for (auto const& one : report.per_class) {
    Json row;
    row["class"] = one.name;
    row["cases"] = one.cases;
    row["positives"] = one.positives;
    for (auto const& [name, interval] : one.metrics) row[name] = to_json(interval);
    out["per_class"].push_back(std::move(row));
    if (report.multi_label)
      out["confusion"].push_back(
          Json::array({Json::array({one.tn, one.fp}), Json::array({one.fn, one.tp})}));
  }
  return out;
}

Json per_case(ClassRows const& rows) {
  ReadyRows const made{rows};
  auto out = Json::array();
  for (std::size_t i = 0; i < made.cases; ++i) {
    Json row;
    row["id"] = rows.ids[i];
    row["truth"] = evaluate_names(made, i, true);
    row["found"] = evaluate_names(made, i, false);
    row["probabilities"] = Json::object();
    for (std::size_t c = 0; c < made.classes; ++c)
      row["probabilities"][rows.classes[c]] = rows.probabilities[i * made.classes + c];
    out.push_back(std::move(row));
  }
  return out;
}

}  // namespace fovea
