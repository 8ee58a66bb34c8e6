#include "learn/metric/ready.hpp"

#include "base/core/words.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace fovea {
namespace {

std::vector<std::int32_t> ready_top(ClassRows const& rows) {
  std::vector<std::int32_t> out;
  if (rows.multi_label) return out;
  auto const classes = static_cast<std::ptrdiff_t>(rows.classes.size());
  for (auto row = rows.probabilities.begin(); row != rows.probabilities.end(); row += classes)
    out.push_back(static_cast<std::int32_t>(std::max_element(row, row + classes) - row));
  return out;
}

/// A label to rank, with its score.
struct ReadyScored {
  double score;
  ReadyRows::Ranked ranked;
};

void ready_collect(ReadyRows const& made, std::size_t which, std::vector<ReadyScored>& into) {
  for (std::size_t i = 0; i < made.cases; ++i) {
    auto const truth = made.truth(i, which);
    if (truth >= 0)
      into.push_back({made.rows.probabilities[i * made.classes + which],
                      {static_cast<std::uint32_t>(i), truth == 1, true}});
  }
}

std::vector<ReadyRows::Ranked> ready_ranked(std::vector<ReadyScored> scored) {
  std::ranges::stable_sort(scored, std::ranges::greater{}, &ReadyScored::score);
  std::vector<ReadyRows::Ranked> out;
  out.reserve(scored.size());
  for (std::size_t i = 0; i < scored.size(); ++i) {
    out.push_back(scored[i].ranked);
    out.back().last_of_equals =
        i + 1 == scored.size() || scored[i].score != scored[i + 1].score;
  }
  return out;
}

double ready_log(double probability) {
  // As scikit-learn does: a probability of 0 for what happened costs 36, not infinity.
  constexpr auto least = std::numeric_limits<double>::epsilon();
  return -std::log(std::clamp(probability, least, 1 - least));
}

ReadyRows::Judged ready_single(ReadyRows const& made, std::size_t one) {
  auto const label = made.rows.truth[one];
  auto const row = std::span{made.rows.probabilities}.subspan(one * made.classes, made.classes);
  auto const confidence = row[static_cast<std::size_t>(made.top[one])];
  double squared = 0;
  for (std::size_t c = 0; c < made.classes; ++c) {
    auto const miss = row[c] - (static_cast<std::int32_t>(c) == label ? 1 : 0);
    squared += miss * miss;
  }
  if (made.classes == 2 && label >= 0) squared = (row[1] - label) * (row[1] - label);
  return {.known = label >= 0,
          .bin = static_cast<std::uint8_t>(calibration_bin(confidence)),
          .right = made.top[one] == label,
          .confidence = confidence,
          .squared = squared,
          .logged = label >= 0 ? ready_log(row[static_cast<std::size_t>(label)]) : 0};
}

ReadyRows::Judged ready_multi(ReadyRows const& made, std::size_t one, std::size_t which) {
  auto const truth = made.truth(one, which);
  auto const p = made.rows.probabilities[one * made.classes + which];
  return {.known = truth >= 0,
          .bin = static_cast<std::uint8_t>(calibration_bin(p)),
          .right = truth == 1,
          .confidence = p,
          .squared = (p - truth) * (p - truth),
          .logged = ready_log(truth == 1 ? p : 1 - p)};
}

}  // namespace

std::size_t calibration_bin(double confidence) {
  // The edges as NumPy's linspace rounds them: a confidence on an edge belongs to the bin
  // below.
  static auto const edges = [] {
    std::array<double, calibration_bins - 1> out{};
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = static_cast<double>(i + 1) * (1.0 / static_cast<double>(calibration_bins));
    return out;
  }();
  return static_cast<std::size_t>(std::ranges::lower_bound(edges, confidence) - edges.begin());
}

ReadyRows::ReadyRows(ClassRows const& from)
    : rows((check(from), from)),
      cases(from.cases()),
      classes(from.classes.size()),
      top(ready_top(from)),
      columns(from.multi_label ? classes : 1) {
  std::vector<std::string> without;
  for (std::size_t c = 0; c < classes; ++c) {
    std::vector<ReadyScored> scored;
    ready_collect(*this, c, scored);
    falling.push_back(ready_ranked(std::move(scored)));
    auto const positives = std::ranges::count(falling.back(), true, &Ranked::positive);
    if (positives > 0 && positives < std::ssize(falling.back()))
      in_play.push_back(c);
    else
      without.push_back((positives == 0 ? "no case of '" : "only cases of '") +
                        rows.classes[c] + "'");
  }
  left_out = joined(without, ", ");
  if (!two_classes()) {
    std::vector<ReadyScored> scored;
    for (std::size_t c = 0; c < classes; ++c) ready_collect(*this, c, scored);
    pooled = ready_ranked(std::move(scored));
  }
  judged.reserve(cases * columns);
  for (std::size_t i = 0; i < cases; ++i) {
    for (std::size_t c = 0; c < columns; ++c)
      judged.push_back(rows.multi_label ? ready_multi(*this, i, c) : ready_single(*this, i));
  }
}

Drawn::Drawn(ReadyRows const& from, std::span<double const> weights)
    : made(from), weight(weights), counts(from.classes) {
  if (made.rows.multi_label) {
    for (std::size_t i = 0; i < made.cases; ++i) {
      for (std::size_t c = 0; c < made.classes; ++c) {
        auto const truth = made.truth(i, c);
        if (truth < 0) continue;
        auto& into = counts[c];
        auto const found = made.found(i, c);
        (truth == 1 ? found ? into.tp : into.fn : found ? into.fp : into.tn) += weight[i];
        known += weight[i];
      }
    }
    for (auto const& one : counts) right += one.tp + one.tn;
    return;
  }
  for (std::size_t i = 0; i < made.cases; ++i) {
    auto const label = made.rows.truth[i];
    if (label < 0) continue;
    known += weight[i];
    if (label == made.top[i]) {
      counts[static_cast<std::size_t>(label)].tp += weight[i];
      right += weight[i];
    } else {
      counts[static_cast<std::size_t>(label)].fn += weight[i];
      counts[static_cast<std::size_t>(made.top[i])].fp += weight[i];
    }
  }
  for (auto& one : counts) one.tn = known - one.tp - one.fn - one.fp;
}

}  // namespace fovea
