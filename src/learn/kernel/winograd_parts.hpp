#pragma once

#include "learn/kernel/lanes.hpp"
#include "learn/kernel/winograd.hpp"

#include <algorithm>
#include <span>
#include <vector>

namespace fovea {

// What the files of winograd.hpp share.
constexpr int winograd_side = 6;   // of a tile of inputs
constexpr int winograd_given = 4;  // outputs along a side of it
constexpr int winograd_taps = winograd_side * winograd_side;

struct alignas(64) WinogradLine {
  float values[16];
};
constexpr std::int64_t winograd_line = 16;

// Sizes that everything else follows from.
struct WinogradPlan {
  std::int64_t lanes = 16;  // in a vector
  std::int64_t panel = 32;  // output channels that are done at once: two vectors
  std::int64_t rows = 12;   // tiles that are done at once
  std::int64_t slices = 1;  // along k, that an output sums
  std::int64_t given = 1;   // slices of outputs that are done together
  std::int64_t kept = 1;    // slices of inputs that they read
  std::int64_t kinds = 1;   // of weights: what two slices of outputs multiply, and a plain one
  std::int64_t in = 0;      // channels, rounded up to vectors
  std::int64_t out = 0;     // rounded up to panels
};
WinogradPlan winograd_plan(Winograd const& w);

// How a batch of maps is cut: into blocks of tiles, which may lie in several samples, and along
// k into chunks. A part is one block in one chunk.
struct WinogradCut {
  std::int64_t across = 0, down = 0;  // tiles of a slice
  std::int64_t all = 0;               // of a slice, in all samples
  std::int64_t tiles = 0;             // of a block; a multiple of rows
  std::int64_t blocks = 0;
  std::int64_t chunk = 0, chunks = 0;    // slices
  std::int64_t in_tap = 0, out_tap = 0;  // from tap to tap of what is transformed
};
WinogradCut winograd_cut(Winograd const& w, Winograd::Maps const& maps);

// Where a tile's outputs begin.
struct WinogradPlace {
  std::int64_t sample, j, i;
};
[[gnu::always_inline]] inline WinogradPlace winograd_place(WinogradCut const& cut,
                                                           std::int64_t tile) {
  return {tile / (cut.across * cut.down), tile / cut.across % cut.down * winograd_given,
          tile % cut.across * winograd_given};
}

// The points, and what they make of the matrices of Toom and Cook. a * b is 1.
constexpr float winograd_a = 2.0F / 3, winograd_b = 1.5F;
constexpr float winograd_aa = 4.0F / 9, winograd_bb = 2.25F;
constexpr float winograd_aaa = 8.0F / 27, winograd_bbb = 3.375F;
constexpr float winograd_sum = 97.0F / 36;  // aa + bb
constexpr float winograd_by_a = 1 / (2 * (4.0F / 9) * (4.0F / 9 - 2.25F));
constexpr float winograd_by_b = 1 / (2 * 2.25F * (2.25F - 4.0F / 9));

// Six inputs in a row become the six numbers that are multiplied.
template <class V>
[[gnu::always_inline]] inline void winograd_of_input(V (&d)[winograd_side]) {
  V const even_a = d[4] - winograd_bb * d[2], odd_a = winograd_a * d[3] - winograd_b * d[1];
  V const even_b = d[4] - winograd_aa * d[2], odd_b = winograd_b * d[3] - winograd_a * d[1];
  d[0] = d[0] + d[4] - winograd_sum * d[2];
  d[5] = d[1] + d[5] - winograd_sum * d[3];
  d[1] = even_a + odd_a;
  d[2] = even_a - odd_a;
  d[3] = even_b + odd_b;
  d[4] = even_b - odd_b;
}

// Six products become four outputs, the first four.
template <class V>
[[gnu::always_inline]] inline void winograd_to_output(V (&m)[winograd_side]) {
  V const even_a = m[1] + m[2], odd_a = m[1] - m[2];
  V const even_b = m[3] + m[4], odd_b = m[3] - m[4];
  m[0] = m[0] + even_a + even_b;
  m[1] = winograd_a * odd_a + winograd_b * odd_b;
  m[2] = winograd_aa * even_a + winograd_bb * even_b;
  m[3] = winograd_aaa * odd_a + winograd_bbb * odd_b + m[5];
}

// Four gradients of outputs, the first four, become six numbers.
template <class V>
[[gnu::always_inline]] inline void winograd_of_gradient(V (&g)[winograd_side]) {
  V const even_a = g[0] + winograd_aa * g[2], odd_a = winograd_a * g[1] + winograd_aaa * g[3];
  V const even_b = g[0] + winograd_bb * g[2], odd_b = winograd_b * g[1] + winograd_bbb * g[3];
  g[5] = g[3];
  g[1] = even_a + odd_a;
  g[2] = even_a - odd_a;
  g[3] = even_b + odd_b;
  g[4] = even_b - odd_b;
}

// Three weights, the first three, become six numbers.
template <class V>
[[gnu::always_inline]] inline void winograd_of_weight(V (&w)[winograd_side]) {
  V const even_a = w[0] + winograd_aa * w[2], odd_a = winograd_a * w[1];
  V const even_b = w[0] + winograd_bb * w[2], odd_b = winograd_b * w[1];
  w[5] = w[2];
  w[1] = winograd_by_a * (even_a + odd_a);
  w[2] = winograd_by_a * (even_a - odd_a);
  w[3] = winograd_by_b * (even_b + odd_b);
  w[4] = winograd_by_b * (even_b - odd_b);
}

// Six sums become the gradients of three weights, the first three.
template <class V>
[[gnu::always_inline]] inline void winograd_to_weight(V (&u)[winograd_side]) {
  V const even_a = winograd_by_a * (u[1] + u[2]), odd_a = winograd_by_a * (u[1] - u[2]);
  V const even_b = winograd_by_b * (u[3] + u[4]), odd_b = winograd_by_b * (u[3] - u[4]);
  u[0] = u[0] + even_a + even_b;
  u[1] = winograd_a * odd_a + winograd_b * odd_b;
  u[2] = winograd_aa * even_a + winograd_bb * even_b + u[5];
}

// One slice of a batch of maps.
template <class T>
struct WinogradSlice {
  Winograd::Channels<T const> const& channels;
  Winograd::Maps const& maps;
  std::int64_t k;

  // Row j of a sample at i = 0; null where there is none.
  [[gnu::always_inline]] T const* row(std::int64_t sample, std::int64_t j) const {
    if (j < 0 || j >= maps.size[1]) return nullptr;
    auto const rows = (sample * maps.size[0] + k) * maps.size[1] + j;
    return channels.values + rows * maps.size[2] * channels.step;
  }
};

// Runs of tiles beside each other in one row of one sample: work(place, first tile of the
// block, tiles).
template <class Work>
[[gnu::always_inline]] inline void winograd_runs(WinogradCut const& cut,
                                                 std::int64_t first,
                                                 std::int64_t count,
                                                 Work const& work) {
  for (std::int64_t t = 0; t < count;) {
    auto const place = winograd_place(cut, first + t);
    auto const run = std::min(count - t, cut.across - place.i / winograd_given);
    work(place, t, run);
    t += run;
  }
}

// `count` tiles of inputs beside each other along i, all channels, to [tap][tile][channel].
template <int lanes, class T>
[[gnu::always_inline]] inline void winograd_take(WinogradSlice<T> const& from,
                                                 WinogradPlace const& at,
                                                 std::int64_t count,
                                                 float* into,
                                                 std::int64_t tap_step,
                                                 std::int64_t tile_step) {
  using V = typename LanesVector<lanes>::Type;
  T const* rows[winograd_side];
  for (int j = 0; j < winograd_side; ++j) rows[j] = from.row(at.sample, at.j - 1 + j);
  auto const all = from.channels.count, step = from.channels.step;
  for (std::int64_t c = 0; c < all; c += lanes) {
    auto const channels = std::min<std::int64_t>(lanes, all - c);
    // Columns, transformed along j; the last two of a tile are the first two of the next.
    V ring[8][winograd_side];
    auto const column = [&](std::int64_t i, std::int64_t slot) __attribute__((always_inline)) {
      V v[winograd_side];
      auto const inside = i >= 0 && i < from.maps.size[2];
#pragma GCC unroll 6
      for (int j = 0; j < winograd_side; ++j) {
        v[j] = V{};
        if (inside && rows[j] != nullptr)
          load_lanes<lanes>(v[j], rows[j] + i * step + c, channels);
      }
      winograd_of_input(v);
#pragma GCC unroll 6
      for (int j = 0; j < winograd_side; ++j) ring[slot][j] = v[j];
    };
    column(at.i - 1, 0);
    column(at.i, 1);
    for (std::int64_t t = 0; t < count; ++t) {
      auto const base = t % 2 * 4;
      for (std::int64_t i = 2; i < winograd_side; ++i)
        column(at.i + 4 * t - 1 + i, (base + i) % 8);
      auto* const to = into + t * tile_step + c;
      for (int j = 0; j < winograd_side; ++j) {
        V v[winograd_side];
#pragma GCC unroll 6
        for (int i = 0; i < winograd_side; ++i) v[i] = ring[(base + i) % 8][j];
        winograd_of_input(v);
#pragma GCC unroll 6
        for (int i = 0; i < winograd_side; ++i)
          store_lanes<lanes>(to + (j * winograd_side + i) * tap_step, v[i]);
      }
    }
  }
}

// Two slices of outputs of a kernel of three along k have four products instead of six, about
// the points 0, 1, -1 and infinity: of these sums of four slices of inputs, tiles of one tap.
template <int lanes>
[[gnu::always_inline]] inline void winograd_mix(float const* const* slices,
                                                std::int64_t values,
                                                float* mixed,
                                                std::int64_t step) {
  using V = typename LanesVector<lanes>::Type;
  for (std::int64_t i = 0; i < values; i += lanes) {
    V d[4];
#pragma GCC unroll 4
    for (int n = 0; n < 4; ++n) load_lanes<lanes>(d[n], slices[n] + i);
    V const all[4] = {d[0] - d[2], d[1] + d[2], d[2] - d[1], d[3] - d[1]};
#pragma GCC unroll 4
    for (int n = 0; n < 4; ++n) store_lanes<lanes>(mixed + n * step + i, all[n]);
  }
}

// What a thread keeps, in values: slices of inputs and outputs, sums of them, zeros.
inline std::int64_t winograd_room(WinogradPlan const& plan, WinogradCut const& cut) {
  return (winograd_taps * plan.kept + 4 + 1) * cut.in_tap +
         (winograd_taps * plan.given + 2) * cut.out_tap;
}

// What is summed at once: a block of tiles, with the slices around it transformed.
struct WinogradBlock {
  std::int64_t first, count;  // tiles
  std::int64_t k, given;      // slices of outputs, one or plan.given
  // Transformed slices of inputs from k - 1 (or k) on, [tap][tile][channel], and how far it is
  // from tap to tap: 0 where there is no slice, and zeros stand for it.
  float const* slices[4];
  std::int64_t taps[4];
  float* others;  // room for as many tiles of plan.given slices of outputs
  float* mixed;   // room for one tap's tiles of four sums of slices, and of two of outputs
};

// Of one tap: slices of inputs, or the sums of them that two slices of outputs need, and the
// kinds of weights that they belong to.
struct WinogradOperands {
  int count;
  float const* values[4];
  std::int64_t kinds[4];
};
template <int lanes>
[[gnu::always_inline]] inline WinogradOperands winograd_operands(WinogradPlan const& plan,
                                                                 WinogradCut const& cut,
                                                                 WinogradBlock const& block,
                                                                 std::int64_t tap,
                                                                 std::int64_t values) {
  WinogradOperands out{};
  if (block.given == 2) {
    float const* slices[4];
    for (int n = 0; n < 4; ++n) slices[n] = block.slices[n] + tap * block.taps[n];
    winograd_mix<lanes>(slices, values, block.mixed, cut.in_tap);
    for (; out.count < 4; ++out.count) {
      out.values[out.count] = block.mixed + out.count * cut.in_tap;
      out.kinds[out.count] = out.count;
    }
    return out;
  }
  constexpr std::int64_t plain[3] = {0, 4, 3};
  for (std::int64_t n = 0; n < plan.slices; ++n) {
    if (block.taps[n] == 0) continue;  // zeros
    out.values[out.count] = block.slices[n] + tap * block.taps[n];
    out.kinds[out.count++] = plan.slices == 1 ? 0 : plain[n];
  }
  return out;
}

// Goes through parts [begin, end): work(block), with each slice of inputs taken once a part.
template <int lanes, class T, class Work>
[[gnu::always_inline]] inline void winograd_sweep(
    Winograd::Maps const& maps,
    WinogradPlan const& plan,
    WinogradCut const& cut,
    std::span<Winograd::Channels<T const> const> x,
    std::int64_t begin,
    std::int64_t end,
    Work const& work) {
  auto const slice_values = winograd_taps * cut.in_tap;
  thread_local std::vector<WinogradLine> room;
  room.resize(static_cast<std::size_t>(winograd_room(plan, cut) / winograd_line));
  auto* const inputs = room.front().values;
  auto* const others = inputs + plan.kept * slice_values;
  auto* const mixed = others + plan.given * winograd_taps * cut.out_tap;
  auto* const zeros = mixed + 4 * cut.in_tap + 2 * cut.out_tap;
  std::fill_n(zeros, cut.in_tap, 0.0F);
  auto const around = plan.slices / 2;
  for (auto part = begin; part < end; ++part) {
    auto const first = part / cut.chunks * cut.tiles;
    auto const count = std::min(cut.tiles, cut.all - first);
    auto const from = part % cut.chunks * cut.chunk;
    auto const to = std::min(from + cut.chunk, maps.size[0]);
    auto taken = std::max<std::int64_t>(0, from - around);  // the next slice to take
    for (auto k = from; k < to;) {
      auto const given = k + plan.given <= to ? plan.given : 1;
      auto const high = std::min(maps.size[0], k + given + around);
      for (; taken < high; ++taken) {
        auto* into = inputs + taken % plan.kept * slice_values;
        for (auto const& channels : x) {
          WinogradSlice<T> const slice{channels, maps, taken};
          winograd_runs(
              cut, first, count,
              [&](WinogradPlace const& place, std::int64_t t, std::int64_t run)
                  __attribute__((always_inline)) {
                    winograd_take<lanes>(slice, place, run, into + t * plan.in, cut.in_tap,
                                         plan.in);
                  });
          into += channels.count;
        }
      }
      WinogradBlock block{first, count, k, given, {}, {}, others, mixed};
      for (std::int64_t n = 0; n < given + 2 * around; ++n) {
        auto const z = k - around + n;
        auto const there = z >= 0 && z < maps.size[0];
        block.slices[n] = there ? inputs + z % plan.kept * slice_values : zeros;
        block.taps[n] = there ? cut.in_tap : 0;
      }
      work(block);
      k += given;
    }
  }
}

}  // namespace fovea
