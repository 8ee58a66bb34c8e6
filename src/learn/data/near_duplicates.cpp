#include "learn/data/near_duplicates.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <compare>
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

struct NearPlace {
  std::uint64_t key;  // the masked hash
  std::uint64_t hash;
  std::size_t at;
  auto operator<=>(NearPlace const&) const = default;
};

// How many follow in the order that share the key with one.
std::size_t near_followers(std::vector<NearPlace> const& order, std::size_t i) {
  auto const end = std::upper_bound(
      order.begin() + static_cast<std::ptrdiff_t>(i), order.end(), order[i].key,
      [](std::uint64_t key, NearPlace const& place) { return key < place.key; });
  return static_cast<std::size_t>(end - order.begin()) - i - 1;
}

// With so many followers each, all comparisons stay within `most`.
std::size_t near_window(std::vector<NearPlace> const& order, std::size_t most) {
  std::size_t pairs = 0;
  for (std::size_t i = 0; i < order.size();) {
    auto const others = near_followers(order, i);
    pairs += others * (others + 1) / 2;
    i += others + 1;
  }
  return pairs <= most ? order.size() : std::max<std::size_t>(1, most / order.size());
}

// Compares those among `order` (sorted) that share the key, each with at most `window` of those
// that follow it: hashes that are equal come first.
void near_compare(std::vector<Looks> const& looks,
                  std::vector<NearPlace> const& order,
                  std::size_t window,
                  NearRule rule,
                  NearPairs& pairs) {
  for (std::size_t i = 0; i < order.size(); ++i) {
    for (auto j = i + 1; j < order.size() && j - i <= window && order[j].key == order[i].key;
         ++j) {
      if (std::popcount(order[i].hash ^ order[j].hash) > rule.bits) continue;
      auto const a = order[i].at;
      auto const b = order[j].at;
      if (correlation(looks[a].thumbnail, looks[b].thumbnail) >= rule.correlation)
        pairs.emplace_back(std::minmax(a, b));
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

NearFound near_pairs(std::vector<Looks> const& looks, NearRule rule) {
  NearFound found;
  auto const pieces = rule.bits + 2;
  auto const most = rule.comparisons / static_cast<std::size_t>(pieces * (pieces - 1) / 2);
  std::vector<NearPlace> order(looks.size());
  for (int a = 0; a < pieces; ++a) {
    for (int b = a + 1; b < pieces; ++b) {
      auto const mask = near_mask(a, pieces) | near_mask(b, pieces);
      for (std::size_t i = 0; i < order.size(); ++i)
        order[i] = {looks[i].hash & mask, looks[i].hash, i};
      std::ranges::sort(order);
      auto const window = near_window(order, most);
      found.all = found.all && window == order.size();
      near_compare(looks, order, window, rule, found.pairs);
    }
  }
  auto& pairs = found.pairs;
  std::ranges::sort(pairs);
  pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
  return found;
}

}  // namespace fovea
