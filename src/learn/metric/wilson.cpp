#include "learn/metric/wilson.hpp"

#include "base/core/error.hpp"
#include "learn/metric/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

namespace fovea {
namespace {

Interval wilson_of(double share, double trials) {
  auto const z2 = z95 * z95;
  auto const middle = (share + z2 / (2 * trials)) / (1 + z2 / trials);
  auto const half = z95 / (1 + z2 / trials) *
                    std::sqrt(share * (1 - share) / trials + z2 / (4 * trials * trials));
  // At the ends the bound is the share itself; rounding must not put it beside.
  return {.value = share,
          .low = share == 0 ? 0 : std::max(0.0, middle - half),
          .high = share == 1 ? 1 : std::min(1.0, middle + half),
          .defined = true,
          .why = {},
          .method = "Wilson"};
}

}  // namespace

Interval wilson(double hits, double trials) {
  if (!(trials >= 0 && hits >= 0 && hits <= trials))
    throw Error{Fault::bug, text("expected 0 <= hits <= trials, got ", hits, " of ", trials),
                "count both over the same cases"};
  constexpr auto nan = std::numeric_limits<double>::quiet_NaN();
  if (trials == 0) return {nan, nan, nan, false, "no case to count", "Wilson"};
  return wilson_of(hits / trials, trials);
}

Interval wilson_by_patient(std::span<std::uint8_t const> hit,
                           std::span<std::size_t const> patient) {
  struct OfOne {
    double hits = 0, trials = 0;
  };
  std::unordered_map<std::size_t, OfOne> seen;
  double hits = 0;
  for (std::size_t i = 0; i < hit.size(); ++i) {
    auto& one = seen[patient[i]];
    one.hits += hit[i];
    one.trials += 1;
    hits += hit[i];
  }
  auto const trials = static_cast<double>(hit.size());
  auto const many = static_cast<double>(seen.size());
  if (seen.size() == hit.size()) return wilson(hits, trials);
  auto const share = hits / trials;
  auto effective = many;
  if (share > 0 && share < 1 && seen.size() > 1) {
    double spread = 0;
    for (auto const& [who, one] : seen) {
      auto const off = one.hits - share * one.trials;
      spread += off * off;
    }
    auto const variance = many / (many - 1) * spread / (trials * trials);
    effective = trials / std::max(1.0, variance * trials / (share * (1 - share)));
  }
  auto out = wilson_of(share, effective);
  out.method = "Wilson, patients with several cases (Rao-Scott)";
  return out;
}

}  // namespace fovea
