#include "learn/data/near_duplicates.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>

namespace fovea {
namespace {

constexpr std::size_t near_side = 32;
constexpr std::size_t near_waves = 8;

using NearWaves = std::array<std::array<double, near_side>, near_waves>;

NearWaves near_cosines() {
  NearWaves waves{};
  for (std::size_t u = 0; u < near_waves; ++u) {
    for (std::size_t x = 0; x < near_side; ++x)
      waves[u][x] = std::cos(std::numbers::pi * (static_cast<double>(x) + 0.5) *
                             static_cast<double>(u) / near_side);
  }
  return waves;
}

std::array<double, 64> near_dct(std::vector<double> const& cells) {
  static NearWaves const waves = near_cosines();
  std::array<std::array<double, near_waves>, near_side> rows{};
  for (std::size_t y = 0; y < near_side; ++y) {
    for (std::size_t u = 0; u < near_waves; ++u) {
      for (std::size_t x = 0; x < near_side; ++x)
        rows[y][u] += waves[u][x] * cells[y * near_side + x];
    }
  }
  std::array<double, 64> out{};
  for (std::size_t v = 0; v < near_waves; ++v) {
    for (std::size_t u = 0; u < near_waves; ++u) {
      for (std::size_t y = 0; y < near_side; ++y)
        out[v * near_waves + u] += waves[v][y] * rows[y][u];
    }
  }
  return out;
}

// The mean brightness (the first wave) says nothing of what is seen: it takes no part.
std::uint64_t near_hash(std::vector<double> const& cells) {
  auto const waves = near_dct(cells);
  std::array<double, 63> sorted{};
  std::copy(waves.begin() + 1, waves.end(), sorted.begin());
  std::ranges::nth_element(sorted, sorted.begin() + 31);
  std::uint64_t hash = 0;
  for (std::size_t i = 1; i < waves.size(); ++i) {
    if (waves[i] > sorted[31]) hash |= std::uint64_t{1} << i;
  }
  return hash;
}

Thumbnail near_thumbnail(std::vector<double> const& cells) {
  std::array<double, 256> small{};
  for (std::size_t i = 0; i < cells.size(); ++i)
    small[i / near_side / 2 * 16 + i % near_side / 2] += cells[i] / 4;
  auto const [low, high] = std::ranges::minmax(small);
  Thumbnail out{};
  if (high <= low) return out;
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<std::uint8_t>(std::lround((small[i] - low) / (high - low) * 255));
  return out;
}

// The bits of piece `at` of `pieces` equal ones.
std::uint64_t near_mask(int at, int pieces) {
  auto const from = 64 * at / pieces;
  auto const to = 64 * (at + 1) / pieces;
  auto const below = [](int bits) {
    return bits >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
  };
  return below(to) & ~below(from);
}

using NearPairs = std::vector<std::pair<std::size_t, std::size_t>>;

// Compares those among `order` (sorted by the masked hash) that share all bits of the mask.
void near_compare(std::vector<Looks> const& looks,
                  std::vector<std::size_t> const& order,
                  std::uint64_t mask,
                  NearRule rule,
                  NearPairs& pairs) {
  auto const key = [&](std::size_t at) { return looks[order[at]].hash & mask; };
  for (std::size_t i = 0; i < order.size(); ++i) {
    for (auto j = i + 1; j < order.size() && key(j) == key(i); ++j) {
      auto const& a = looks[order[i]];
      auto const& b = looks[order[j]];
      if (std::popcount(a.hash ^ b.hash) > rule.bits) continue;
      if (correlation(a.thumbnail, b.thumbnail) >= rule.correlation)
        pairs.emplace_back(std::minmax(order[i], order[j]));
    }
  }
}

}  // namespace

Looks looks_of(std::vector<double> const& cells) {
  return {near_hash(cells), near_thumbnail(cells)};
}

double correlation(Thumbnail const& a, Thumbnail const& b) {
  std::int64_t sum_a = 0, sum_b = 0, aa = 0, bb = 0, ab = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::int64_t const x = a[i];
    std::int64_t const y = b[i];
    sum_a += x;
    sum_b += y;
    aa += x * x;
    bb += y * y;
    ab += x * y;
  }
  auto const n = static_cast<std::int64_t>(a.size());
  auto const spread =
      static_cast<double>(n * aa - sum_a * sum_a) * static_cast<double>(n * bb - sum_b * sum_b);
  return spread > 0 ? static_cast<double>(n * ab - sum_a * sum_b) / std::sqrt(spread) : 0;
}

std::vector<std::pair<std::size_t, std::size_t>> near_pairs(std::vector<Looks> const& looks,
                                                            NearRule rule) {
  NearPairs pairs;
  auto const pieces = rule.bits + 2;
  std::vector<std::size_t> order(looks.size());
  for (int a = 0; a < pieces; ++a) {
    for (int b = a + 1; b < pieces; ++b) {
      auto const mask = near_mask(a, pieces) | near_mask(b, pieces);
      for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
      std::ranges::sort(order, {}, [&](std::size_t at) {
        return std::pair{looks[at].hash & mask, at};
      });
      near_compare(looks, order, mask, rule, pairs);
    }
  }
  std::ranges::sort(pairs);
  pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
  return pairs;
}

}  // namespace fovea
