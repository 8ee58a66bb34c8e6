#include "learn/window/cleanup.hpp"

#include "base/core/error.hpp"
#include "base/geometry/components.hpp"
#include "base/geometry/overlap.hpp"
#include "base/geometry/same_grid.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <type_traits>

namespace fovea {
namespace {

using CleanupLabels = std::vector<std::int64_t>;

// 1 where the label is one of some; u8.
Volume cleanup_mask(Volume const& labels, CleanupLabels const& some) {
  Volume mask{labels.grid(), Type::u8, Unit::one};
  auto const out = mask.write<std::uint8_t>();
  with_type(labels.type(), [&](auto type) {
    using T = decltype(type);
    if constexpr (std::is_integral_v<T>) {
      auto const in = labels.channel<T>(0);
      for (std::size_t n = 0; n < in.size(); ++n)
        out[n] =
            std::ranges::find(some, static_cast<std::int64_t>(in[n])) != some.end() ? 1 : 0;
    }
  });
  return mask;
}

Volume cleanup_copy(Volume const& labels) {
  Volume copy{labels.grid(), labels.type(), labels.unit()};
  std::memcpy(copy.bytes().get(), labels.bytes().get(), copy.byte_count());
  return copy;
}

// Zeros in all pieces of a mask but the largest.
void cleanup_keep_largest(Volume& labels, CleanupLabels const& some) {
  auto const pieces = components(cleanup_mask(labels, some), {.order = ComponentOrder::size});
  if (pieces.parts.size() < 2) return;
  auto const last = std::ranges::find_if(pieces.parts, [&](Component const& piece) {
    return piece.voxels < pieces.parts.front().voxels;
  });
  auto const kept = static_cast<std::uint32_t>(last - pieces.parts.begin());
  auto const of = pieces.labels.as<std::uint32_t>();
  with_type(labels.type(), [&](auto type) {
    using T = decltype(type);
    auto const voxels = labels.write<T>();
    for (std::size_t n = 0; n < voxels.size(); ++n) voxels[n] = of[n] > kept ? T{} : voxels[n];
  });
}

// By structure: the mean Dice over cases; none if no case has it.
using CleanupScores = std::vector<std::optional<double>>;

CleanupScores cleanup_scores(std::vector<CleanupCase> const& cases,
                             std::vector<CleanupLabels> const& structures,
                             Cleanup const& cleanup) {
  std::vector<double> sums(structures.size()), counts(structures.size());
  for (auto const& one : cases) {
    auto const truth = one.truth();
    auto const predicted = cleaned(one.predicted(), cleanup);
    expect_same_places(predicted.grid(), truth.grid(), "prediction and truth");
    for (std::size_t n = 0; n < structures.size(); ++n) {
      auto const dice =
          overlap_of(cleanup_mask(predicted, structures[n]), cleanup_mask(truth, structures[n]))
              .dice();
      if (!dice) continue;
      sums[n] += *dice;
      ++counts[n];
    }
  }
  CleanupScores scores(structures.size());
  for (std::size_t n = 0; n < scores.size(); ++n) {
    if (counts[n] > 0) scores[n] = sums[n] / counts[n];
  }
  return scores;
}

double cleanup_mean(CleanupScores const& scores) {
  double sum = 0, count = 0;
  for (auto const& score : scores) {
    sum += score.value_or(0);
    count += score ? 1 : 0;
  }
  return count > 0 ? sum / count : 0;
}

bool cleanup_none_falls(CleanupScores const& before, CleanupScores const& after) {
  for (std::size_t n = 0; n < before.size(); ++n) {
    if (after[n].value_or(0) < before[n].value_or(0)) return false;
  }
  return true;
}

}  // namespace

Volume cleaned(Volume const& labels, Cleanup const& cleanup) {
  if (labels.channels() != 1 || labels.type() == Type::f32 || labels.type() == Type::f64)
    throw Error{Fault::input,
                text("expected labels of whole numbers in one channel, got ", labels.channels(),
                     " of ", name_of(labels.type())),
                "clean up label maps, not pictures or probabilities"};
  if (cleanup.largest.empty()) return labels;
  auto out = cleanup_copy(labels);
  for (auto const& some : cleanup.largest) cleanup_keep_largest(out, some);
  return out;
}

Cleanup learn_cleanup(std::vector<CleanupCase> const& cases,
                      std::vector<std::vector<std::int64_t>> const& structures) {
  if (cases.empty())
    throw Error{Fault::usage, "no case was given to learn cleaning up from",
                "give the cases of validation"};
  CleanupLabels all;
  for (auto const& structure : structures) {
    if (structure.empty())
      throw Error{Fault::usage, "a structure has no labels", "name the labels of each"};
    for (auto const label : structure) {
      if (std::ranges::find(all, label) == all.end()) all.push_back(label);
    }
  }
  Cleanup learnt;
  auto scores = cleanup_scores(cases, structures, learnt);
  auto const tried = [&](CleanupLabels const& some) {
    auto with = learnt;
    with.largest.push_back(some);
    return std::pair{with, cleanup_scores(cases, structures, with)};
  };
  if (auto const [with, after] = tried(all);
      cleanup_mean(after) > cleanup_mean(scores) && cleanup_none_falls(scores, after)) {
    learnt = with;
    scores = after;
  }
  for (std::size_t n = 0; structures.size() > 1 && n < structures.size(); ++n) {
    auto const [with, after] = tried(structures[n]);
    if (after[n].value_or(0) <= scores[n].value_or(0) || !cleanup_none_falls(scores, after))
      continue;
    learnt = with;
    scores = after;
  }
  return learnt;
}

}  // namespace fovea
