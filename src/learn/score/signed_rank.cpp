#include "learn/score/signed_rank.hpp"

#include "base/core/error.hpp"
#include "learn/metric/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace fovea {
namespace {

constexpr std::size_t rank_exact = 200;  // pairs

struct RankedPairs {
  std::vector<std::int64_t> twice;  // the rank of each times 2: ties share halves
  double ties = 0;                  // sum of t^3 - t over groups of t ties
};

RankedPairs rank_pairs(std::vector<double> const& sizes) {
  auto const n = sizes.size();
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t at) { return sizes[at]; });
  RankedPairs out{std::vector<std::int64_t>(n), 0};
  auto const same = n == 0 ? 0 : sizes[order.back()] * 1e-12;
  for (std::size_t first = 0; first < n;) {
    auto end = first + 1;
    while (end < n && sizes[order[end]] - sizes[order[end - 1]] <= same) ++end;
    // Ranks first + 1 … end: their mean, twice.
    for (auto at = first; at < end; ++at)
      out.twice[order[at]] = static_cast<std::int64_t>(first + end + 1);
    auto const tied = static_cast<double>(end - first);
    out.ties += tied * tied * tied - tied;
    first = end;
  }
  return out;
}

// The share of all signs whose sum of ranks above 0 is at most `sum` (both times 2).
double rank_share_below(std::vector<std::int64_t> const& twice, std::int64_t sum) {
  auto const all = std::accumulate(twice.begin(), twice.end(), std::int64_t{0});
  std::vector<double> share(static_cast<std::size_t>(all) + 1);
  share[0] = 1;
  std::int64_t reached = 0;
  for (auto const rank : twice) {
    reached += rank;
    for (auto at = reached; at >= 0; --at) {
      auto& here = share[static_cast<std::size_t>(at)];
      here = (here + (at >= rank ? share[static_cast<std::size_t>(at - rank)] : 0)) / 2;
    }
  }
  return std::accumulate(share.begin(), share.begin() + sum + 1, 0.0);
}

double rank_normal_p(double sum, double pairs, double ties) {
  auto const mean = pairs * (pairs + 1) / 4;
  auto const variance = pairs * (pairs + 1) * (2 * pairs + 1) / 24 - ties / 48;
  auto const apart = std::max(0.0, std::abs(sum - mean) - 0.5);
  return two_sided_p(apart / std::sqrt(variance));
}

}  // namespace

SignedRank signed_rank(std::span<double const> differences) {
  double largest = 0;
  for (auto const one : differences) {
    if (!std::isfinite(one))
      throw Error{Fault::bug, "a difference of a pair is not a number",
                  "leave out pairs without an answer"};
    largest = std::max(largest, std::abs(one));
  }
  SignedRank out;
  std::vector<double> sizes;
  std::vector<bool> positive;
  for (auto const one : differences) {
    if (std::abs(one) <= largest * 1e-12) {
      ++out.zeros;
      continue;
    }
    sizes.push_back(std::abs(one));
    positive.push_back(one > 0);
  }
  out.pairs = static_cast<std::int64_t>(sizes.size());
  out.method = sizes.size() <= rank_exact ? "exact" : "normal approximation";
  if (sizes.empty()) return out;
  auto const ranked = rank_pairs(sizes);
  std::int64_t above = 0, below = 0;
  for (std::size_t at = 0; at < sizes.size(); ++at)
    (positive[at] ? above : below) += ranked.twice[at];
  out.above = static_cast<double>(above) / 2;
  out.below = static_cast<double>(below) / 2;
  auto const less = std::min(above, below);
  out.p = sizes.size() <= rank_exact
              ? std::min(1.0, 2 * rank_share_below(ranked.twice, less))
              : rank_normal_p(static_cast<double>(less) / 2, static_cast<double>(sizes.size()),
                              ranked.ties);
  return out;
}

}  // namespace fovea
