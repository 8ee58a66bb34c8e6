#include "learn/patch/places.hpp"

#include "base/core/rng.hpp"

#include <algorithm>

namespace fovea {
namespace {

constexpr std::int64_t places_least = 10'000;
constexpr std::int64_t places_share = 100;  // one in so many
constexpr std::uint64_t places_key = 1234;

// For each label from -1 on: the classes that it belongs to.
using PlacesTable = std::vector<std::vector<std::size_t>>;

PlacesTable places_table(std::span<LabelSet const> classes) {
  PlacesTable table;
  for (std::size_t n = 0; n < classes.size(); ++n) {
    for (auto const label : classes[n]) {
      if (label < -1) continue;
      auto const at = static_cast<std::size_t>(label + 1);
      if (at >= table.size()) table.resize(at + 1);
      if (std::ranges::find(table[at], n) == table[at].end()) table[at].push_back(n);
    }
  }
  return table;
}

// Calls use(classes, first, count) for each run of equal labels that some class has.
template <class Use>
void places_runs(std::span<std::int16_t const> labels, PlacesTable const& table, Use&& use) {
  for (std::size_t first = 0; first < labels.size();) {
    auto const label = labels[first];
    auto last = first + 1;
    while (last < labels.size() && labels[last] == label) ++last;
    auto const at = static_cast<std::size_t>(label + 1);
    if (label >= -1 && at < table.size() && !table[at].empty())
      use(table[at], first, last - first);
    first = last;
  }
}

// Knuth's selection sampling (The Art of Computer Programming 2, 3.4.2, algorithm S): each of
// `left` that are still to come is taken with the probability that fills `wanted`.
struct PlacesDraw {
  Rng rng;
  std::int64_t left = 0;
  std::int64_t wanted = 0;
  bool take() {
    auto const taken = wanted >= left || rng.below(left) < wanted;
    --left;
    if (taken) --wanted;
    return taken;
  }
};

}  // namespace

std::vector<std::vector<std::uint32_t>> class_places(std::span<std::int16_t const> labels,
                                                     std::span<LabelSet const> classes) {
  auto const table = places_table(classes);
  std::vector<std::int64_t> totals(classes.size());
  places_runs(labels, table, [&](auto const& of, std::size_t, std::size_t count) {
    for (auto const n : of) totals[n] += static_cast<std::int64_t>(count);
  });

  std::vector<std::vector<std::uint32_t>> places(classes.size());
  std::vector<PlacesDraw> draws;
  for (std::size_t n = 0; n < classes.size(); ++n) {
    auto const hundredth = (totals[n] + places_share - 1) / places_share;
    auto const wanted = std::max(std::min(totals[n], places_least), hundredth);
    draws.push_back({Rng{{places_key, n}}, totals[n], wanted});
    places[n].reserve(static_cast<std::size_t>(wanted));
  }
  places_runs(labels, table, [&](auto const& of, std::size_t first, std::size_t count) {
    for (auto const n : of) {
      for (auto at = first; at < first + count; ++at)
        if (draws[n].take()) places[n].push_back(static_cast<std::uint32_t>(at));
    }
  });
  return places;
}

}  // namespace fovea
