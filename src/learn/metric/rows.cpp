#include "learn/metric/rows.hpp"

#include "base/core/error.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>

namespace fovea {
namespace {

void rows_expect(std::string_view what, std::size_t expected, std::size_t got) {
  if (expected != got)
    throw Error{Fault::input, text("expected ", expected, " ", what, ", got ", got),
                "truth, probabilities and names must be of the same cases and classes"};
}

void rows_check_probabilities(ClassRows const& rows) {
  constexpr double rounding = 1e-6;  // of float32
  auto const classes = rows.classes.size();
  for (std::size_t i = 0; i < rows.cases(); ++i) {
    double sum = 0;
    for (std::size_t c = 0; c < classes; ++c) {
      auto const p = rows.probabilities[i * classes + c];
      if (!(p >= -rounding && p <= 1 + rounding))
        throw Error{Fault::input,
                    text("expected a probability in [0, 1], got ", p, " for class '",
                         rows.classes[c], "' of case '", rows.ids[i], "'"),
                    "a network that gives no numbers has diverged: train it with a lower "
                    "learning rate"};
      sum += p;
    }
    if (!rows.multi_label && std::abs(sum - 1) > 1e-3)
      throw Error{Fault::input,
                  text("expected probabilities that sum to 1, got ", sum, " for case '",
                       rows.ids[i], "'"),
                  "give probabilities, not logits; or say that the set is multi-label"};
  }
}

}  // namespace

void check(ClassRows const& rows) {
  auto const cases = rows.cases();
  auto const classes = rows.classes.size();
  if (classes < (rows.multi_label ? 1 : 2))
    throw Error{Fault::input, text("expected at least two classes, got ", classes),
                "name all classes that the model tells apart"};
  rows_expect("probabilities", cases * classes, rows.probabilities.size());
  rows_expect("labels", rows.multi_label ? cases * classes : cases, rows.truth.size());
  if (!rows.groups.empty())
    rows_expect("patients, one for each case", cases, rows.groups.size());
  auto const most = rows.multi_label ? 1 : static_cast<std::int32_t>(classes) - 1;
  for (auto const label : rows.truth) {
    if (label < -1 || label > most)
      throw Error{Fault::input, text("expected labels from -1 to ", most, ", got ", label),
                  "-1 stands for unknown"};
  }
  rows_check_probabilities(rows);
}

std::size_t Binary::positives() const {
  return static_cast<std::size_t>(std::ranges::count(positive, 1));
}

Binary one_against_rest(ClassRows const& rows, std::size_t which) {
  check(rows);
  auto const classes = rows.classes.size();
  if (which >= classes)
    throw Error{Fault::bug, text("expected a class below ", classes, ", got ", which),
                "count from 0"};
  Binary out;
  out.name = rows.classes[which];
  for (std::size_t i = 0; i < rows.cases(); ++i) {
    auto const truth = rows.multi_label ? rows.truth[i * classes + which] : rows.truth[i];
    if (truth == -1) continue;
    out.score.push_back(rows.probabilities[i * classes + which]);
    auto const positive =
        rows.multi_label ? truth == 1 : static_cast<std::size_t>(truth) == which;
    out.positive.push_back(positive ? 1 : 0);
    if (!rows.groups.empty()) out.groups.push_back(rows.groups[i]);
  }
  return out;
}

std::vector<std::size_t> patients(std::vector<std::int64_t> const& groups, std::size_t cases) {
  std::vector<std::size_t> out(cases);
  if (groups.empty()) {
    std::iota(out.begin(), out.end(), std::size_t{0});
    return out;
  }
  rows_expect("patients, one for each case", cases, groups.size());
  std::unordered_map<std::int64_t, std::size_t> seen;
  for (std::size_t i = 0; i < cases; ++i)
    out[i] = seen.try_emplace(groups[i], seen.size()).first->second;
  return out;
}

}  // namespace fovea
