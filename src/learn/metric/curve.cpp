#include "learn/metric/curve.hpp"

#include "base/core/error.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace fovea {
namespace {

/// What the areas sum over: weights of positives and negatives that share a score.
class CurveAreas {
 public:
  void add(bool positive, double weight) { (positive ? level_tp_ : level_fp_) += weight; }

  void close_level() {
    pairs_ += level_fp_ * (tp_ + level_tp_ / 2);
    tp_ += level_tp_;
    fp_ += level_fp_;
    if (level_tp_ > 0) precision_ += level_tp_ * tp_ / (tp_ + fp_);
    level_tp_ = level_fp_ = 0;
  }

  Value auc(std::string const& name) const {
    if (tp_ == 0) return undefined("no case of '" + name + "'");
    if (fp_ == 0) return undefined("only cases of '" + name + "'");
    return {pairs_ / (tp_ * fp_), {}};
  }
  Value average_precision(std::string const& name) const {
    return ratio(precision_, tp_, "no case of '" + name + "'");
  }

 private:
  double level_tp_ = 0, level_fp_ = 0;
  double tp_ = 0, fp_ = 0;
  double pairs_ = 0;      // of a positive above a negative, ties half
  double precision_ = 0;  // times recall's step, times all positives
};

std::vector<std::size_t> curve_falling(Binary const& rows) {
  if (rows.score.size() != rows.positive.size())
    throw Error{Fault::bug,
                text("expected a truth for each of ", rows.score.size(), " scores, got ",
                     rows.positive.size()),
                "give both of the same cases"};
  for (auto const score : rows.score) {
    if (std::isnan(score))
      throw Error{Fault::input, text("a score of '", rows.name, "' is not a number"),
                  "the model has diverged: train it with a lower learning rate"};
  }
  std::vector<std::size_t> order(rows.score.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::ranges::greater{},
                           [&](auto i) { return rows.score[i]; });
  return order;
}

CurveAreas curve_areas(Binary const& rows) {
  auto const order = curve_falling(rows);
  CurveAreas areas;
  for (std::size_t i = 0; i < order.size(); ++i) {
    areas.add(rows.positive[order[i]] == 1, 1);
    if (i + 1 == order.size() || rows.score[order[i]] != rows.score[order[i + 1]])
      areas.close_level();
  }
  return areas;
}

CurveAreas curve_areas(Drawn const& draw, std::vector<ReadyRows::Ranked> const& falling) {
  CurveAreas areas;
  for (auto const& ranked : falling) {
    areas.add(ranked.positive, draw.weight[ranked.one]);
    if (ranked.last_of_equals) areas.close_level();
  }
  return areas;
}

}  // namespace

std::vector<CurvePoint> curve(Binary const& rows) {
  auto const order = curve_falling(rows);
  auto const positives = static_cast<double>(rows.positives());
  Counts now{.tp = 0,
             .fp = 0,
             .fn = positives,
             .tn = static_cast<double>(rows.score.size()) - positives};
  std::vector<CurvePoint> out{{std::numeric_limits<double>::infinity(), now}};
  for (std::size_t i = 0; i < order.size(); ++i) {
    auto const positive = rows.positive[order[i]] == 1;
    (positive ? now.tp : now.fp) += 1;
    (positive ? now.fn : now.tn) -= 1;
    if (i + 1 == order.size() || rows.score[order[i]] != rows.score[order[i + 1]])
      out.push_back({rows.score[order[i]], now});
  }
  return out;
}

Value auc(Binary const& rows) {
  return curve_areas(rows).auc(rows.name);
}
Value auc(Drawn const& draw, std::size_t which) {
  return curve_areas(draw, draw.made.falling[which]).auc(draw.made.rows.classes[which]);
}
Value average_precision(Binary const& rows) {
  return curve_areas(rows).average_precision(rows.name);
}
Value average_precision(Drawn const& draw, std::size_t which) {
  return curve_areas(draw, draw.made.falling[which])
      .average_precision(draw.made.rows.classes[which]);
}

Value auc_pooled(Drawn const& draw) {
  return curve_areas(draw, draw.made.pooled).auc("any class");
}
Value average_precision_pooled(Drawn const& draw) {
  return curve_areas(draw, draw.made.pooled).average_precision("any class");
}

}  // namespace fovea
