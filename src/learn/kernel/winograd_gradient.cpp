// The gradient of the weights: the transposed matrices of the forward sum.
#include "learn/kernel/winograd_parts.hpp"

namespace fovea {
namespace {

constexpr int winograd_at_once = 8;  // input channels; divides what plan.in is a multiple of

template <class T>
struct WinogradGradient {
  Winograd const& conv;
  Winograd::Maps const& maps;
  Winograd::Channels<T const> const& x;
  Winograd::Channels<T const> const& gradient;
  float* sums;
  std::int64_t begin, end;
};

// `count` tiles of gradients beside each other along i, all channels, to [tap][tile][channel].
template <int lanes, class T>
[[gnu::always_inline]] inline void winograd_take_gradient(WinogradSlice<T> const& from,
                                                          WinogradPlace const& at,
                                                          std::int64_t count,
                                                          float* into,
                                                          std::int64_t tap_step,
                                                          std::int64_t tile_step) {
  using V = typename LanesVector<lanes>::Type;
  T const* rows[winograd_given];
  for (int j = 0; j < winograd_given; ++j) rows[j] = from.row(at.sample, at.j + j);
  auto const all = from.channels.count, step = from.channels.step;
  for (std::int64_t c = 0; c < all; c += lanes) {
    auto const channels = std::min<std::int64_t>(lanes, all - c);
    for (std::int64_t t = 0; t < count; ++t) {
      V columns[winograd_side][winograd_given];  // [j][i]
      for (int i = 0; i < winograd_given; ++i) {
        V v[winograd_side];
        auto const across = at.i + winograd_given * t + i;
        auto const inside = across < from.maps.size[2];
#pragma GCC unroll 4
        for (int j = 0; j < winograd_given; ++j) {
          v[j] = V{};
          if (inside && rows[j] != nullptr)
            load_lanes<lanes>(v[j], rows[j] + across * step + c, channels);
        }
        winograd_of_gradient(v);
#pragma GCC unroll 6
        for (int j = 0; j < winograd_side; ++j) columns[j][i] = v[j];
      }
      auto* const to = into + t * tile_step + c;
      for (int j = 0; j < winograd_side; ++j) {
        V v[winograd_side] = {columns[j][0], columns[j][1], columns[j][2], columns[j][3]};
        winograd_of_gradient(v);
#pragma GCC unroll 6
        for (int i = 0; i < winograd_side; ++i)
          store_lanes<lanes>(to + (j * winograd_side + i) * tap_step, v[i]);
      }
    }
  }
}

// sums[row][two vectors] += sum over tiles of a[tile][row] * b[tile].
template <int lanes, int rows>
[[gnu::always_inline]] inline void winograd_add(float const* a,
                                                std::int64_t a_step,
                                                float const* b,
                                                std::int64_t b_step,
                                                std::int64_t tiles,
                                                float* sums,
                                                std::int64_t step) {
  using V = typename LanesVector<lanes>::Type;
  V left[rows], right[rows];
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r) {
    load_lanes<lanes>(left[r], sums + r * step);
    load_lanes<lanes>(right[r], sums + r * step + lanes);
  }
  for (std::int64_t t = 0; t < tiles; ++t, a += a_step, b += b_step) {
    V first, second;
    load_lanes<lanes>(first, b);
    load_lanes<lanes>(second, b + lanes);
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r) {
      left[r] += a[r] * first;
      right[r] += a[r] * second;
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r) {
    store_lanes<lanes>(sums + r * step, left[r]);
    store_lanes<lanes>(sums + r * step + lanes, right[r]);
  }
}

// one + other, then one - other.
template <int lanes>
[[gnu::always_inline]] inline void winograd_join(
    float const* one, float const* other, std::int64_t values, float* to, std::int64_t step) {
  using V = typename LanesVector<lanes>::Type;
  for (std::int64_t i = 0; i < values; i += lanes) {
    V a, b;
    load_lanes<lanes>(a, one + i);
    load_lanes<lanes>(b, other + i);
    V const sum = a + b, apart = a - b;
    store_lanes<lanes>(to + i, sum);
    store_lanes<lanes>(to + step + i, apart);
  }
}

template <class T, int lanes, int rows>
[[gnu::always_inline]] inline void winograd_gradient(WinogradGradient<T> const* given) {
  auto const& work = *given;
  auto const& maps = work.maps;
  auto const plan = winograd_plan(work.conv);
  auto const cut = winograd_cut(work.conv, maps);
  auto const next = winograd_taps * cut.out_tap;  // from a slice of outputs to the next
  winograd_sweep<lanes, T>(
      maps, plan, cut, {&work.x, 1}, work.begin,
      work.end, [&](WinogradBlock const& block) __attribute__((always_inline)) {
        // Channels beyond the last vector of `out` hold what was there before: nobody reads
        // what comes of it.
        for (std::int64_t n = 0; n < block.given; ++n) {
          WinogradSlice<T> const slice{work.gradient, maps, block.k + n};
          auto* const into = block.others + n * next;
          winograd_runs(
              cut, block.first, block.count,
              [&](WinogradPlace const& place, std::int64_t t, std::int64_t run)
                  __attribute__((always_inline)) {
                    winograd_take_gradient<lanes>(slice, place, run, into + t * plan.out,
                                                  cut.out_tap, plan.out);
                  });
        }
        auto* const sum = block.mixed + 4 * cut.in_tap;
        for (std::int64_t tap = 0; tap < winograd_taps; ++tap) {
          auto const all =
              winograd_operands<lanes>(plan, cut, block, tap, block.count * plan.in);
          float const* const first = block.others + tap * cut.out_tap;
          float const* by[4] = {first, first, first, first};
          if (block.given == 2) {
            by[1] = sum;
            by[2] = sum + cut.out_tap;
            by[3] = first + next;
            winograd_join<lanes>(first, by[3], block.count * plan.out, sum, cut.out_tap);
          }
          for (int n = 0; n < all.count; ++n) {
            auto* const to = work.sums + (tap * plan.kinds + all.kinds[n]) * plan.in * plan.out;
            for (std::int64_t c = 0; c < plan.in; c += rows)
              for (std::int64_t out = 0; out < plan.out; out += plan.panel)
                winograd_add<lanes, rows>(all.values[n] + c, plan.in, by[n] + out, plan.out,
                                          block.count, to + c * plan.out + out, plan.out);
          }
        }
      });
}

struct WinogradSums {
  Winograd const& conv;
  float const* sums;
  Winograd::Steps<float> const& weights;
  std::int64_t begin, end;
};

template <int lanes>
[[gnu::always_inline]] inline void winograd_collect(WinogradSums const* given) {
  using V = typename LanesVector<lanes>::Type;
  auto const& work = *given;
  auto const plan = winograd_plan(work.conv);
  auto const& w = work.weights;
  for (std::int64_t o = 0; o < work.conv.out; o += lanes) {
    auto const count = std::min<std::int64_t>(lanes, work.conv.out - o);
    for (std::int64_t slice = 0; slice < plan.slices; ++slice) {
      for (auto c = work.begin; c < work.end; ++c) {
        V all[3][winograd_side];  // [j][i]
        for (int i = 0; i < winograd_side; ++i) {
          V v[winograd_side];
          for (int j = 0; j < winograd_side; ++j) {
            auto const tap = j * winograd_side + i;
            auto const sum = [&](V & of, std::int64_t kind) __attribute__((always_inline)) {
              load_lanes<lanes>(
                  of, work.sums + ((tap * plan.kinds + kind) * plan.in + c) * plan.out + o);
            };
            if (plan.slices == 1) {
              sum(v[j], 0);
              continue;
            }
            V one, other;
            sum(one, 1);
            sum(other, 2);
            if (slice == 1) other = -other;
            sum(v[j], slice == 0 ? 0 : slice == 1 ? 4 : 3);
            v[j] += 0.5F * (one + other);
          }
          winograd_to_weight(v);
          for (int j = 0; j < 3; ++j) all[j][i] = v[j];
        }
        for (int j = 0; j < 3; ++j) {
          winograd_to_weight(all[j]);
          for (int i = 0; i < 3; ++i) {
            alignas(64) float values[lanes];
            store_lanes<lanes>(values, all[j][i]);
            auto* const to = w.values + o * w.out + c * w.in + (slice * 9 + j * 3 + i) * w.tap;
            for (std::int64_t n = 0; n < count; ++n) to[n * w.out] = values[n];
          }
        }
      }
    }
  }
}

}  // namespace

std::int64_t Winograd::sum_values() const {
  auto const plan = winograd_plan(*this);
  return winograd_taps * plan.kinds * plan.in * plan.out;
}

template <class T>
void Winograd::add_gradient(Maps const& maps,
                            Channels<T const> const& x,
                            Channels<T const> const& gradient,
                            float* sums,
                            std::int64_t begin,
                            std::int64_t end) const {
  WinogradGradient<T> const work{*this, maps, x, gradient, sums, begin, end};
  with_vectors<winograd_gradient<T, 16, winograd_at_once>,
               winograd_gradient<T, 8, winograd_at_once / 2>>(width, &work);
}

void Winograd::gradient(float const* sums,
                        Steps<float> const& weights,
                        std::int64_t begin,
                        std::int64_t end) const {
  WinogradSums const work{*this, sums, weights, begin, end};
  with_vectors<winograd_collect<16>, winograd_collect<8>>(width, &work);
}

template void Winograd::add_gradient(Maps const&,
                                     Channels<float const> const&,
                                     Channels<float const> const&,
                                     float*,
                                     std::int64_t,
                                     std::int64_t) const;
template void Winograd::add_gradient(Maps const&,
                                     Channels<BFloat16 const> const&,
                                     Channels<BFloat16 const> const&,
                                     float*,
                                     std::int64_t,
                                     std::int64_t) const;

}  // namespace fovea
