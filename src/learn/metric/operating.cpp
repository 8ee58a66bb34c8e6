#include "learn/metric/operating.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"
#include "learn/metric/confusion.hpp"
#include "learn/metric/curve.hpp"
#include "learn/metric/evaluate.hpp"
#include "learn/metric/wilson.hpp"

#include <cmath>
#include <limits>

namespace fovea {
namespace {

constexpr auto operating_none = std::numeric_limits<double>::quiet_NaN();

double operating_sensitivity(CurvePoint const& point) {
  return point.counts.tp / (point.counts.tp + point.counts.fn);
}
double operating_specificity(CurvePoint const& point) {
  return point.counts.tn / (point.counts.tn + point.counts.fp);
}

OperatingPoint operating_youden(std::vector<CurvePoint> const& points,
                                std::string const& name) {
  OperatingPoint out{name, "highest Youden", operating_none,
                     "no threshold is better than chance"};
  double best = 0;
  for (auto const& point : points) {
    auto const youden = operating_sensitivity(point) + operating_specificity(point) - 1;
    if (youden <= best + 1e-12) continue;  // of equals (but for rounding) the highest threshold
    best = youden;
    out.threshold = point.threshold;
    out.why.clear();
  }
  return out;
}

OperatingPoint operating_at_sensitivity(std::vector<CurvePoint> const& points,
                                        std::string const& name,
                                        double target) {
  for (auto const& point : points) {
    if (operating_sensitivity(point) >= target)
      return {name, "sensitivity " + spelled(target), point.threshold, {}};
  }
  return {name, "sensitivity " + spelled(target), operating_none, "no threshold reaches it"};
}

OperatingPoint operating_at_specificity(std::vector<CurvePoint> const& points,
                                        std::string const& name,
                                        double target) {
  OperatingPoint out{name, "specificity " + spelled(target), operating_none,
                     "only a model that never says '" + name + "' keeps it"};
  for (auto const& point : points) {
    if (std::isinf(point.threshold) || operating_specificity(point) < target) continue;
    out.threshold = point.threshold;
    out.why.clear();
  }
  return out;
}

/// The share of hits among the cases that `counts` picks.
template <class Picks, class Hits>
Interval operating_share(Binary const& rows,
                         std::vector<std::size_t> const& patient,
                         double threshold,
                         Picks const& picks,
                         Hits const& hits,
                         std::string const& why) {
  std::vector<std::uint8_t> hit;
  std::vector<std::size_t> who;
  for (std::size_t i = 0; i < rows.score.size(); ++i) {
    auto const truth = rows.positive[i] == 1;
    auto const found = rows.score[i] >= threshold;
    if (!picks(truth, found)) continue;
    hit.push_back(hits(truth, found) ? 1 : 0);
    who.push_back(patient[i]);
  }
  auto out = wilson_by_patient(hit, who);
  if (!out.defined) out.why = why;
  return out;
}

}  // namespace

std::vector<OperatingPoint> choose_points(Binary const& validation,
                                          OperatingTargets const& targets) {
  for (auto const target : {targets.sensitivity, targets.specificity}) {
    if (!(target > 0 && target <= 1))
      throw Error{Fault::usage,
                  text("expected a sensitivity or specificity in (0, 1], got ", target),
                  "0.95 is usual"};
  }
  auto const area = auc(validation);
  if (!area.defined()) {
    auto const& name = validation.name;
    return {{name, "highest Youden", operating_none, area.why},
            {name, "sensitivity " + spelled(targets.sensitivity), operating_none, area.why},
            {name, "specificity " + spelled(targets.specificity), operating_none, area.why}};
  }
  auto const points = curve(validation);
  return {operating_youden(points, validation.name),
          operating_at_sensitivity(points, validation.name, targets.sensitivity),
          operating_at_specificity(points, validation.name, targets.specificity)};
}

AtPoint at_point(Binary const& test, OperatingPoint const& point) {
  AtPoint out;
  out.point = point;
  if (std::isnan(point.threshold)) {
    Interval const none{operating_none, operating_none, operating_none,
                        false,          point.why,      "Wilson"};
    out.sensitivity = out.specificity = out.ppv = out.npv = none;
    return out;
  }
  for (std::size_t i = 0; i < test.score.size(); ++i) {
    auto const found = test.score[i] >= point.threshold;
    (test.positive[i] == 1 ? found ? out.tp : out.fn : found ? out.fp : out.tn) += 1;
  }
  auto const patient = patients(test.groups, test.score.size());
  auto const share = [&](auto picks, auto hits, std::string const& why) {
    return operating_share(test, patient, point.threshold, picks, hits, why);
  };
  auto const truly = [](bool truth, bool) { return truth; };
  auto const truly_not = [](bool truth, bool) { return !truth; };
  auto const called = [](bool, bool found) { return found; };
  auto const not_called = [](bool, bool found) { return !found; };
  out.sensitivity = share(truly, called, "no case of '" + test.name + "'");
  out.specificity = share(truly_not, not_called, "only cases of '" + test.name + "'");
  out.ppv = share(called, truly, "nothing was found to be '" + test.name + "'");
  out.npv = share(not_called, truly_not, "everything was found to be '" + test.name + "'");
  return out;
}

Json to_json(AtPoint const& at) {
  Json out;
  out["class"] = at.point.of;
  out["rule"] = at.point.rule;
  out["threshold"] = std::isnan(at.point.threshold) ? Json{} : Json(at.point.threshold);
  if (!at.point.why.empty()) out["why"] = at.point.why;
  out["sensitivity"] = to_json(at.sensitivity);
  out["specificity"] = to_json(at.specificity);
  out["ppv"] = to_json(at.ppv);
  out["npv"] = to_json(at.npv);
  out["tp"] = at.tp;
  out["fp"] = at.fp;
  out["fn"] = at.fn;
  out["tn"] = at.tn;
  return out;
}

}  // namespace fovea
