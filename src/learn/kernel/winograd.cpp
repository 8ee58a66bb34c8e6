#include "learn/kernel/winograd_parts.hpp"

namespace fovea {

WinogradPlan winograd_plan(Winograd const& w) {
  WinogradPlan p;
  if (w.width != vectors::Width::avx512) {
    p.lanes = 8;
    p.rows = 6;
  }
  if (w.deep) {
    p.slices = 3;
    p.given = 2;
    p.kept = 4;
    p.kinds = 5;
  }
  p.panel = 2 * p.lanes;
  p.in = (w.in + p.lanes - 1) / p.lanes * p.lanes;
  p.out = (w.out + p.panel - 1) / p.panel * p.panel;
  return p;
}

WinogradCut winograd_cut(Winograd const& w, Winograd::Maps const& maps) {
  // What a part works on should stay in a core's own cache.
  constexpr std::int64_t cache_values = 192 * 1024;
  constexpr std::int64_t most_chunk = 16, least_chunk = 4, enough_parts = 16;
  auto const p = winograd_plan(w);
  WinogradCut cut;
  cut.across = (maps.size[2] + winograd_given - 1) / winograd_given;
  cut.down = (maps.size[1] + winograd_given - 1) / winograd_given;
  cut.all = maps.batch * cut.across * cut.down;
  auto const values = winograd_taps * p.rows * (p.kept * p.in + p.given * p.out);
  auto const rows = std::clamp<std::int64_t>(cache_values / values, 1, 4);
  auto const parts = [&](std::int64_t tiles, std::int64_t chunk) {
    cut.tiles = tiles;
    cut.blocks = (cut.all + tiles - 1) / tiles;
    cut.chunk = chunk;
    cut.chunks = (maps.size[0] + chunk - 1) / chunk;
    return cut.blocks * cut.chunks;
  };
  for (auto tiles = rows * p.rows; parts(tiles, most_chunk) < enough_parts && tiles > p.rows;)
    tiles -= p.rows;
  while (cut.blocks * cut.chunks < enough_parts && cut.chunk > least_chunk)
    parts(cut.tiles, cut.chunk / 2);
  // One line more: taps whose lines all met in one set of a cache would push each other out.
  cut.in_tap = cut.tiles * p.in + winograd_line;
  cut.out_tap = cut.tiles * p.out + winograd_line;
  return cut;
}

namespace {

template <class T>
struct WinogradWork {
  Winograd const& conv;
  Winograd::Maps const& maps;
  std::span<Winograd::Channels<T const> const> x;
  float const* prepared;
  float const* bias;
  std::span<Winograd::Channels<T> const> y;
  std::int64_t begin, end;
};

// Adds to some tiles' two vectors each: sum over channels of a[row][channel] * b[channel].
template <int lanes, int rows>
[[gnu::always_inline]] inline void winograd_multiply(
    float const* a,
    std::int64_t a_step,
    float const* b,
    std::int64_t channels,
    typename LanesVector<lanes>::Type (&left)[rows],
    typename LanesVector<lanes>::Type (&right)[rows]) {
  using V = typename LanesVector<lanes>::Type;
  for (std::int64_t n = 0; n < channels; ++n, b += 2 * lanes) {
    V first, second;
    load_lanes<lanes>(first, b);
    load_lanes<lanes>(second, b + lanes);
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r) {
      auto const factor = a[r * a_step + n];
      left[r] += factor * first;
      right[r] += factor * second;
    }
  }
}

template <int lanes, int rows>
[[gnu::always_inline]] inline void winograd_clear(
    typename LanesVector<lanes>::Type (&left)[rows],
    typename LanesVector<lanes>::Type (&right)[rows]) {
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r) left[r] = right[r] = typename LanesVector<lanes>::Type{};
}

template <int lanes, int rows>
[[gnu::always_inline]] inline void winograd_put(
    float* c,
    std::int64_t c_step,
    typename LanesVector<lanes>::Type const (&left)[rows],
    typename LanesVector<lanes>::Type const (&right)[rows]) {
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r) {
    store_lanes<lanes>(c + r * c_step, left[r]);
    store_lanes<lanes>(c + r * c_step + lanes, right[r]);
  }
}

// What some tiles of one tap are multiplied with.
struct WinogradFactors {
  float const* a[4];
  float const* b[4];
  std::int64_t a_step, channels;
};

// One slice of outputs: the plain sum of three products, or the only one.
template <int lanes, int rows>
[[gnu::always_inline]] inline void winograd_one(WinogradFactors const& of,
                                                int slices,
                                                float* c,
                                                std::int64_t c_step) {
  using V = typename LanesVector<lanes>::Type;
  V left[rows], right[rows];
  winograd_clear<lanes, rows>(left, right);
  for (int n = 0; n < slices; ++n)
    winograd_multiply<lanes, rows>(of.a[n], of.a_step, of.b[n], of.channels, left, right);
  winograd_put<lanes, rows>(c, c_step, left, right);
}

// Two: m0 + (m1 + m2), (m1 - m2) + m3.
template <int lanes, int rows>
[[gnu::always_inline]] inline void winograd_two(WinogradFactors const& of,
                                                float* c,
                                                float* next,
                                                std::int64_t c_step) {
  using V = typename LanesVector<lanes>::Type;
  V left[rows], right[rows];
  auto const add = [&](int n) __attribute__((always_inline)) {
    winograd_multiply<lanes, rows>(of.a[n], of.a_step, of.b[n], of.channels, left, right);
  };
  winograd_clear<lanes, rows>(left, right);
  add(1);
  winograd_put<lanes, rows>(c, c_step, left, right);
  winograd_clear<lanes, rows>(left, right);
  add(2);
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r) {
    V one, other;
    load_lanes<lanes>(one, c + r * c_step);
    load_lanes<lanes>(other, c + r * c_step + lanes);
    V const apart = one - left[r], other_apart = other - right[r];
    store_lanes<lanes>(next + r * c_step, apart);
    store_lanes<lanes>(next + r * c_step + lanes, other_apart);
    left[r] += one;
    right[r] += other;
  }
  add(0);
  winograd_put<lanes, rows>(c, c_step, left, right);
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r) {
    load_lanes<lanes>(left[r], next + r * c_step);
    load_lanes<lanes>(right[r], next + r * c_step + lanes);
  }
  add(3);
  winograd_put<lanes, rows>(next, c_step, left, right);
}

// The outputs of one tile in slice k, all channels, from [tap][tile][channel].
template <int lanes, class T>
[[gnu::always_inline]] inline void winograd_give(WinogradWork<T> const& work,
                                                 WinogradPlace const& at,
                                                 std::int64_t k,
                                                 float const* from,
                                                 std::int64_t tap_step) {
  using V = typename LanesVector<lanes>::Type;
  auto const [size_k, size_j, size_i] = work.maps.size;
  auto const rows = std::min<std::int64_t>(winograd_given, size_j - at.j);
  auto const columns = std::min<std::int64_t>(winograd_given, size_i - at.i);
  auto const voxel = ((at.sample * size_k + k) * size_j + at.j) * size_i + at.i;
  auto const* bias = work.bias;
  for (auto const& [values, channels, step] : work.y) {
    auto* const to = values + voxel * step;
    for (std::int64_t c = 0; c < channels; c += lanes) {
      auto const count = std::min<std::int64_t>(lanes, channels - c);
      V between[winograd_given][winograd_side];
      for (int i = 0; i < winograd_side; ++i) {
        V v[winograd_side];
#pragma GCC unroll 6
        for (int j = 0; j < winograd_side; ++j)
          load_lanes<lanes>(v[j], from + (j * winograd_side + i) * tap_step + c);
        winograd_to_output(v);
#pragma GCC unroll 4
        for (int j = 0; j < winograd_given; ++j) between[j][i] = v[j];
      }
      V more{};
      if (bias != nullptr) load_lanes<lanes>(more, bias + c, count);
      for (std::int64_t j = 0; j < rows; ++j) {
        winograd_to_output(between[j]);
        for (std::int64_t i = 0; i < columns; ++i) {
          V const sum = between[j][i] + more;
          store_lanes<lanes>(to + (j * size_i + i) * step + c, sum, count);
        }
      }
    }
    from += channels;
    if (bias != nullptr) bias += channels;
  }
}

template <class T, int lanes, int rows>
[[gnu::always_inline]] inline void winograd_convolve(WinogradWork<T> const* given) {
  auto const& work = *given;
  auto const& maps = work.maps;
  auto const plan = winograd_plan(work.conv);
  auto const cut = winograd_cut(work.conv, maps);
  auto const next = winograd_taps * cut.out_tap;  // from a slice of outputs to the next
  auto const kind = work.conv.in * plan.panel;    // from a kind of weights to the next
  winograd_sweep<lanes>(
      maps, plan, cut, work.x, work.begin,
      work.end, [&](WinogradBlock const& block) __attribute__((always_inline)) {
        // Rows beyond the last tile hold what was there before: nobody reads what comes of it.
        auto const tiles = (block.count + rows - 1) / rows * rows;
        for (std::int64_t tap = 0; tap < winograd_taps; ++tap) {
          auto const all = winograd_operands<lanes>(plan, cut, block, tap, tiles * plan.in);
          for (std::int64_t out = 0; out < plan.out; out += plan.panel) {
            auto const* const b =
                work.prepared + (tap * plan.out + out) * plan.kinds * work.conv.in;
            for (std::int64_t t = 0; t < tiles; t += rows) {
              auto* const c = block.others + tap * cut.out_tap + t * plan.out + out;
              WinogradFactors of{{}, {}, plan.in, work.conv.in};
              for (int n = 0; n < all.count; ++n) {
                of.a[n] = all.values[n] + t * plan.in;
                of.b[n] = b + all.kinds[n] * kind;
              }
              if (block.given == 2)
                winograd_two<lanes, rows>(of, c, c + next, plan.out);
              else
                winograd_one<lanes, rows>(of, all.count, c, plan.out);
            }
          }
        }
        for (std::int64_t slice = 0; slice < block.given; ++slice)
          for (std::int64_t t = 0; t < block.count; ++t)
            winograd_give<lanes>(work, winograd_place(cut, block.first + t), block.k + slice,
                                 block.others + slice * next + t * plan.out, cut.out_tap);
      });
}

struct WinogradWeights {
  Winograd const& conv;
  Winograd::Weights const& weights;
  float* prepared;
  std::int64_t begin, end;
};

template <int lanes>
[[gnu::always_inline]] inline void winograd_prepare(WinogradWeights const* given) {
  using V = typename LanesVector<lanes>::Type;
  auto const& work = *given;
  auto const plan = winograd_plan(work.conv);
  auto const& w = work.weights;
  for (std::int64_t o = 0; o < plan.out; o += lanes) {
    auto const count = std::clamp<std::int64_t>(work.conv.out - o, 0, lanes);
    auto const panel = o / plan.panel * plan.panel;
    for (std::int64_t kind = 0; kind < plan.kinds; ++kind) {
      // Channels innermost: what is written of a tap then lies together.
      for (auto c = work.begin; c < work.end; ++c) {
        auto const take = [&](V & v, std::int64_t slice, int tap)
            __attribute__((always_inline)) {
          auto const* const from = w.values + o * w.out + c * w.in + (slice * 9 + tap) * w.tap;
          alignas(64) float values[lanes] = {};
          for (std::int64_t n = 0; n < count; ++n) values[n] = from[n * w.out];
          load_lanes<lanes>(v, values);
        };
        V all[winograd_side][winograd_side];  // [j][i]
        for (int j = 0; j < 3; ++j) {
          for (int i = 0; i < 3; ++i) {
            auto const tap = j * 3 + i;
            auto& to = all[j][i];
            if (kind != 1 && kind != 2) {
              take(to, kind == 0 ? 0 : kind == 3 ? 2 : 1, tap);
              continue;
            }
            V first, middle, last;
            take(first, 0, tap);
            take(middle, 1, tap);
            take(last, 2, tap);
            if (kind == 2) middle = -middle;
            to = 0.5F * (first + last + middle);
          }
          winograd_of_weight(all[j]);
        }
        for (int i = 0; i < winograd_side; ++i) {
          V v[winograd_side] = {all[0][i], all[1][i], all[2][i]};
          winograd_of_weight(v);
          for (int j = 0; j < winograd_side; ++j) {
            auto const tap = j * winograd_side + i;
            auto const row = (tap * plan.out + panel) * plan.kinds + kind * plan.panel;
            store_lanes<lanes>(work.prepared + row * work.conv.in + c * plan.panel + o - panel,
                               v[j]);
          }
        }
      }
    }
  }
}

}  // namespace

bool Winograd::pays() {
  return vectors::width() != vectors::Width::any;
}

Winograd::Weights Winograd::turned(Weights const& weights) const {
  auto const last = (deep ? 27 : 9) - 1;
  return {weights.values + last * weights.tap, weights.in, weights.out, -weights.tap};
}

std::int64_t Winograd::weight_values() const {
  auto const plan = winograd_plan(*this);
  return winograd_taps * plan.kinds * in * plan.out;
}

void Winograd::prepare(Weights const& weights,
                       float* prepared,
                       std::int64_t begin,
                       std::int64_t end) const {
  WinogradWeights const work{*this, weights, prepared, begin, end};
  with_vectors<winograd_prepare<16>, winograd_prepare<8>>(width, &work);
}

double Winograd::saves(Maps const& maps) const {
  auto const plan = winograd_plan(*this);
  auto const places = static_cast<double>(maps.batch) * static_cast<double>(maps.size[1]) *
                      static_cast<double>(maps.size[2]);
  return 9 * places * static_cast<double>(out) /
         (static_cast<double>(winograd_taps * tiles(maps)) * static_cast<double>(plan.out));
}

std::int64_t Winograd::tiles(Maps const& maps) const {
  return winograd_cut(*this, maps).all;
}

std::int64_t Winograd::room_bytes(Maps const& maps) const {
  return winograd_room(winograd_plan(*this), winograd_cut(*this, maps)) *
         std::int64_t{sizeof(float)};
}

std::int64_t Winograd::parts(Maps const& maps) const {
  auto const cut = winograd_cut(*this, maps);
  return cut.blocks * cut.chunks;
}

template <class T>
void Winograd::convolve(Maps const& maps,
                        std::span<Channels<T const> const> x,
                        float const* prepared,
                        float const* bias,
                        std::span<Channels<T> const> y,
                        std::int64_t begin,
                        std::int64_t end) const {
  WinogradWork<T> const work{*this, maps, x, prepared, bias, y, begin, end};
  with_vectors<winograd_convolve<T, 16, 12>, winograd_convolve<T, 8, 6>>(width, &work);
}

template void Winograd::convolve(Maps const&,
                                 std::span<Channels<float const> const>,
                                 float const*,
                                 float const*,
                                 std::span<Channels<float> const>,
                                 std::int64_t,
                                 std::int64_t) const;
template void Winograd::convolve(Maps const&,
                                 std::span<Channels<BFloat16 const> const>,
                                 float const*,
                                 float const*,
                                 std::span<Channels<BFloat16> const>,
                                 std::int64_t,
                                 std::int64_t) const;

}  // namespace fovea
