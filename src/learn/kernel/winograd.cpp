#include "learn/kernel/winograd.hpp"

#include <algorithm>
#include <cstring>
#include <vector>

namespace fovea {
namespace {

constexpr int winograd_most_lanes = 16;

struct alignas(64) WinogradLine {
  float values[winograd_most_lanes];
};

template <int lanes>
struct WinogradVector {
  typedef float Type __attribute__((vector_size(lanes * 4)));
};

// Sizes that everything else follows from.
struct WinogradPlan {
  std::int64_t taps = 64;   // products a tile
  std::int64_t lanes = 16;  // in a vector
  std::int64_t panel = 32;  // output channels that are done at once: two vectors
  std::int64_t rows = 12;   // tiles that are done at once
  std::int64_t in = 0;      // channels, rounded up to vectors
  std::int64_t out = 0;     // rounded up to panels
  std::int64_t tiles = 0;   // of a part; a multiple of rows
};

WinogradPlan winograd_plan(Winograd const& w) {
  WinogradPlan p;
  p.taps = w.deep ? 64 : 16;
  if (w.width != vectors::Width::avx512) {
    p.lanes = 8;
    p.rows = 6;
  }
  p.panel = 2 * p.lanes;
  p.in = (w.in + p.lanes - 1) / p.lanes * p.lanes;
  p.out = (w.out + p.panel - 1) / p.panel * p.panel;
  // What a part works on should stay in a core's own cache.
  p.tiles = 2 * p.rows;
  return p;
}

struct WinogradTiles {
  std::array<std::int64_t, 3> count{};  // along k, j, i
  std::int64_t all = 0;                 // of the batch
};

WinogradTiles winograd_tiles(Winograd const& w, Winograd::Maps const& maps) {
  WinogradTiles t;
  t.count = {w.deep ? (maps.size[0] + 1) / 2 : maps.size[0], (maps.size[1] + 1) / 2,
             (maps.size[2] + 1) / 2};
  t.all = maps.batch * t.count[0] * t.count[1] * t.count[2];
  return t;
}

// Where a tile's outputs begin.
struct WinogradPlace {
  std::int64_t sample, k, j, i;
};

[[gnu::always_inline]] inline WinogradPlace winograd_place(WinogradTiles const& tiles,
                                                           bool deep,
                                                           std::int64_t tile) {
  WinogradPlace p;
  p.i = tile % tiles.count[2] * 2;
  tile /= tiles.count[2];
  p.j = tile % tiles.count[1] * 2;
  tile /= tiles.count[1];
  p.k = tile % tiles.count[0] * (deep ? 2 : 1);
  p.sample = tile / tiles.count[0];
  return p;
}

template <class V>
[[gnu::always_inline]] inline void winograd_load(V& to, float const* from) {
  std::memcpy(&to, from, sizeof(V));
}
template <class V>
[[gnu::always_inline]] inline void winograd_store(float* to, V const& from) {
  std::memcpy(to, &from, sizeof(V));
}

struct WinogradWork {
  Winograd const& conv;
  Winograd::Maps const& maps;
  float const* x;
  float const* prepared;
  float const* bias;
  float* y;
  std::int64_t begin, end;
};

// Of four inputs in a row the four numbers that are multiplied.
template <class V>
[[gnu::always_inline]] inline void winograd_forward(V& a, V& b, V& c, V& d) {
  V const first = a - c, second = b + c, third = c - b, fourth = b - d;
  a = first;
  b = second;
  c = third;
  d = fourth;
}

// Two outputs of four products, in the first two.
template <class V>
[[gnu::always_inline]] inline void winograd_back(V& a, V& b, V const& c, V const& d) {
  V const first = a + b + c, second = b - c - d;
  a = first;
  b = second;
}

// One column of the inputs of a row of tiles, transformed along k and j; `from`: its rows at
// i = 0, null where there is none.
template <int lanes, int slices>
[[gnu::always_inline]] inline void winograd_column(
    float const* const (&from)[slices][4],
    std::int64_t step,
    bool inside,
    std::size_t bytes,
    typename WinogradVector<lanes>::Type (&to)[slices * 4]) {
  using V = typename WinogradVector<lanes>::Type;
  V v[slices][4];
#pragma GCC unroll 4
  for (int k = 0; k < slices; ++k) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      v[k][j] = V{};
      if (!inside || from[k][j] == nullptr) continue;
      if (bytes == sizeof(V))
        winograd_load(v[k][j], from[k][j] + step);
      else
        std::memcpy(&v[k][j], from[k][j] + step, bytes);
    }
  }
#pragma GCC unroll 4
  for (int k = 0; k < slices; ++k) winograd_forward(v[k][0], v[k][1], v[k][2], v[k][3]);
  if constexpr (slices == 4) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) winograd_forward(v[0][j], v[1][j], v[2][j], v[3][j]);
  }
#pragma GCC unroll 4
  for (int k = 0; k < slices; ++k) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) to[k * 4 + j] = v[k][j];
  }
}

// Where numbers of [tap][tile][channel] lie.
struct WinogradSteps {
  std::int64_t tap, tile;
};

// Rows of the input under a row of tiles, null where there is none.
template <int slices>
[[gnu::always_inline]] inline void winograd_rows(Winograd::Maps const& maps,
                                                 std::int64_t channels,
                                                 float const* x,
                                                 WinogradPlace const& at,
                                                 float const* (&from)[slices][4]) {
  auto const [size_k, size_j, size_i] = maps.size;
  for (int k = 0; k < slices; ++k) {
    for (int j = 0; j < 4; ++j) {
      auto const z = slices > 1 ? at.k - 1 + k : at.k, down = at.j - 1 + j;
      auto const inside = z >= 0 && z < size_k && down >= 0 && down < size_j;
      from[k][j] =
          inside ? x + ((at.sample * size_k + z) * size_j + down) * size_i * channels : nullptr;
    }
  }
}

// `count` tiles of the input beside each other along i, all channels.
template <int lanes, bool deep>
[[gnu::always_inline]] inline void winograd_take(WinogradWork const& work,
                                                 WinogradPlace const& at,
                                                 std::int64_t count,
                                                 float* into,
                                                 WinogradSteps const& steps) {
  using V = typename WinogradVector<lanes>::Type;
  constexpr int slices = deep ? 4 : 1;
  auto const channels = work.conv.in;
  auto const size_i = work.maps.size[2];
  float const* from[slices][4];
  winograd_rows<slices>(work.maps, channels, work.x, at, from);
  for (std::int64_t c = 0; c < channels; c += lanes) {
    auto const bytes =
        static_cast<std::size_t>(std::min<std::int64_t>(lanes, channels - c)) * sizeof(float);
    V columns[4][slices * 4];  // the tile's, two of them the tile's before
    auto const column = [&](std::int64_t i, int slot) __attribute__((always_inline)) {
      winograd_column<lanes, slices>(from, i * channels + c, i >= 0 && i < size_i, bytes,
                                     columns[slot]);
    };
    column(at.i - 1, 0);
    column(at.i, 1);
    for (std::int64_t t = 0; t < count; ++t) {
      auto const first = static_cast<int>(t % 2 * 2), second = 2 - first;
      column(at.i + 2 * t + 1, second);
      column(at.i + 2 * t + 2, second + 1);
      auto* const to = into + t * steps.tile + c;
      for (int n = 0; n < slices * 4; ++n) {
        V v[4] = {columns[first][n], columns[first + 1][n], columns[second][n],
                  columns[second + 1][n]};
        winograd_forward(v[0], v[1], v[2], v[3]);
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) winograd_store(to + (n * 4 + i) * steps.tap, v[i]);
      }
    }
  }
}

// Rows of one tap: c[row][two vectors] = sum over channels of a[row][channel] * b[channel].
template <int lanes, int rows>
[[gnu::always_inline]] inline void winograd_multiply(float const* a,
                                                     std::int64_t a_step,
                                                     float const* b,
                                                     float* c,
                                                     std::int64_t c_step,
                                                     std::int64_t channels) {
  using V = typename WinogradVector<lanes>::Type;
  V left[rows], right[rows];
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r) left[r] = right[r] = V{};
  for (std::int64_t n = 0; n < channels; ++n) {
    V first, second;
    winograd_load(first, b + n * 2 * lanes);
    winograd_load(second, b + n * 2 * lanes + lanes);
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r) {
      auto const factor = a[r * a_step + n];
      left[r] += factor * first;
      right[r] += factor * second;
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r) {
    winograd_store(c + r * c_step, left[r]);
    winograd_store(c + r * c_step + lanes, right[r]);
  }
}

// The outputs of one tile, all channels, from [tap][tile][channel].
template <int lanes, bool deep>
[[gnu::always_inline]] inline void winograd_give(WinogradWork const& work,
                                                 WinogradPlace const& at,
                                                 float const* from,
                                                 std::int64_t tap_step) {
  using V = typename WinogradVector<lanes>::Type;
  constexpr int slices = deep ? 4 : 1;
  constexpr int given = deep ? 2 : 1;
  auto const channels = work.conv.out;
  auto const [size_k, size_j, size_i] = work.maps.size;
  for (std::int64_t c = 0; c < channels; c += lanes) {
    auto const count =
        static_cast<std::size_t>(std::min<std::int64_t>(lanes, channels - c)) * sizeof(float);
    V between[given][16];
    for (int n = 0; n < 16; ++n) {
      V v[slices];
#pragma GCC unroll 4
      for (int k = 0; k < slices; ++k) winograd_load(v[k], from + (k * 16 + n) * tap_step + c);
      if constexpr (deep) winograd_back(v[0], v[1], v[2], v[3]);
      for (int k = 0; k < given; ++k) between[k][n] = v[k];
    }
    V more{};
    if (work.bias != nullptr) std::memcpy(&more, work.bias + c, count);
    for (int k = 0; k < given; ++k) {
      auto* const v = between[k];
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) winograd_back(v[i], v[4 + i], v[8 + i], v[12 + i]);
      for (int j = 0; j < 2; ++j) {
        winograd_back(v[j * 4], v[j * 4 + 1], v[j * 4 + 2], v[j * 4 + 3]);
        for (int i = 0; i < 2; ++i) {
          auto const z = at.k + k, down = at.j + j, across = at.i + i;
          if (z >= size_k || down >= size_j || across >= size_i) continue;
          V const sum = v[j * 4 + i] + more;
          auto* const to =
              work.y +
              (((at.sample * size_k + z) * size_j + down) * size_i + across) * channels + c;
          if (count == sizeof(V))
            winograd_store(to, sum);
          else
            std::memcpy(to, &sum, count);
        }
      }
    }
  }
}

template <int lanes, int rows, bool deep>
[[gnu::always_inline]] inline void winograd_parts(WinogradWork const& work) {
  auto const plan = winograd_plan(work.conv);
  auto const tiles = winograd_tiles(work.conv, work.maps);
  thread_local std::vector<WinogradLine> room;
  auto const taken = plan.taps * plan.tiles * plan.in;
  auto const made = plan.taps * plan.tiles * plan.out;
  room.resize(static_cast<std::size_t>((taken + made) / winograd_most_lanes + 2));
  auto* const inputs = room.front().values;
  auto* const outputs =
      inputs + (taken + winograd_most_lanes - 1) / winograd_most_lanes * winograd_most_lanes;
  for (auto part = work.begin; part < work.end; ++part) {
    auto const first = part * plan.tiles;
    auto const count = std::min(plan.tiles, tiles.all - first);
    for (std::int64_t t = 0; t < count;) {
      auto const place = winograd_place(tiles, deep, first + t);
      auto const run = std::min(count - t, tiles.count[2] - place.i / 2);
      winograd_take<lanes, deep>(work, place, run, inputs + t * plan.in,
                                 {plan.tiles * plan.in, plan.in});
      t += run;
    }
    for (std::int64_t tap = 0; tap < plan.taps; ++tap) {
      auto const* const a = inputs + tap * plan.tiles * plan.in;
      auto* const c = outputs + tap * plan.tiles * plan.out;
      for (std::int64_t out = 0; out < plan.out; out += plan.panel) {
        auto const* const b = work.prepared + (tap * plan.out + out) * plan.in;
        // Rows beyond the last tile hold what was there before: nobody reads what comes of it.
        for (std::int64_t t = 0; t < count; t += rows)
          winograd_multiply<lanes, rows>(a + t * plan.in, plan.in, b, c + t * plan.out + out,
                                         plan.out, plan.in);
      }
    }
    for (std::int64_t t = 0; t < count; ++t)
      winograd_give<lanes, deep>(work, winograd_place(tiles, deep, first + t),
                                 outputs + t * plan.out, plan.tiles * plan.out);
  }
}

template <int lanes, int rows>
[[gnu::always_inline]] inline void winograd_convolve(WinogradWork const* work) {
  if (work->conv.deep)
    winograd_parts<lanes, rows, true>(*work);
  else
    winograd_parts<lanes, rows, false>(*work);
}

// Of three weights the four numbers that are multiplied; `step` apart.
void winograd_weights(double const* three, std::int64_t step, double* four, std::int64_t to) {
  auto const a = three[0], b = three[step], c = three[2 * step];
  four[0] = a;
  four[to] = (a + b + c) / 2;
  four[2 * to] = (a - b + c) / 2;
  four[3 * to] = c;
}

}  // namespace

bool Winograd::pays() {
  return vectors::width() != vectors::Width::any;
}

std::int64_t Winograd::weight_values() const {
  auto const plan = winograd_plan(*this);
  return plan.taps * plan.in * plan.out;
}

void Winograd::prepare(float const* weight, float* prepared) const {
  auto const plan = winograd_plan(*this);
  auto const slices = deep ? 3 : 1;
  std::fill_n(prepared, weight_values(), 0.0F);
  for (std::int64_t o = 0; o < out; ++o) {
    for (std::int64_t c = 0; c < in; ++c) {
      double given[27], wide[36], flat[48], all[64];
      std::copy_n(weight + (o * in + c) * slices * 9, slices * 9, given);
      for (int row = 0; row < slices * 3; ++row)
        winograd_weights(given + row * 3, 1, wide + row * 4, 1);
      for (int k = 0; k < slices; ++k)
        for (int i = 0; i < 4; ++i)
          winograd_weights(wide + k * 12 + i, 4, flat + k * 16 + i, 4);
      for (int n = 0; n < 16; ++n) {
        if (deep)
          winograd_weights(flat + n, 16, all + n, 16);
        else
          all[n] = flat[n];
      }
      auto const panel = o / plan.panel * plan.panel;
      for (std::int64_t tap = 0; tap < plan.taps; ++tap)
        prepared[(tap * plan.out + panel) * plan.in + c * plan.panel + o - panel] =
            static_cast<float>(all[tap]);
    }
  }
}

double Winograd::saves(Maps const& maps) const {
  auto const plan = winograd_plan(*this);
  auto const voxels = static_cast<double>(maps.batch) * static_cast<double>(maps.size[0]) *
                      static_cast<double>(maps.size[1]) * static_cast<double>(maps.size[2]);
  auto const plain = (deep ? 27 : 9) * voxels * static_cast<double>(in * out);
  auto const tiles = winograd_tiles(*this, maps).all;
  return plain /
         (static_cast<double>(plan.taps * tiles) * static_cast<double>(plan.in * plan.out));
}

std::int64_t Winograd::tiles(Maps const& maps) const {
  return winograd_tiles(*this, maps).all;
}

std::int64_t Winograd::room_bytes() const {
  auto const plan = winograd_plan(*this);
  return plan.taps * plan.tiles * (plan.in + plan.out) * std::int64_t{sizeof(float)};
}

std::int64_t Winograd::parts(Maps const& maps) const {
  auto const tiles = winograd_plan(*this).tiles;
  return (winograd_tiles(*this, maps).all + tiles - 1) / tiles;
}

void Winograd::convolve(Maps const& maps,
                        float const* x,
                        float const* prepared,
                        float const* bias,
                        float* y,
                        std::int64_t begin,
                        std::int64_t end) const {
  WinogradWork const work{*this, maps, x, prepared, bias, y, begin, end};
  switch (width) {
    case vectors::Width::avx512:
      return vectors::avx512<winograd_convolve<16, 12>>(&work);
    case vectors::Width::avx2:
      return vectors::avx2<winograd_convolve<8, 6>>(&work);
    case vectors::Width::any:
      return vectors::any<winograd_convolve<8, 6>>(&work);
  }
}

}  // namespace fovea
