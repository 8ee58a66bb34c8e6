#include "learn/kernel/few_inputs.hpp"

#include "learn/kernel/lanes.hpp"

#include <algorithm>
#include <vector>

namespace fovea {
namespace {

constexpr std::int64_t few_at_once = 8;  // outputs of a row

template <class T>
struct FewInputsWork {
  FewInputs const& conv;
  FewMaps const& maps;
  T const* x;
  float const* prepared;
  float const* bias;
  T* y;
  std::int64_t begin, end;
};

// The rows of inputs that a row of outputs reads, with zeros where there are none.
template <class T>
[[gnu::always_inline]] inline void few_gather(FewInputs const& conv,
                                              FewMaps const& maps,
                                              T const* x,
                                              std::int64_t row,
                                              float* to,
                                              std::int64_t pitch) {
  auto const [size_k, size_j, size_i] = maps.in;
  auto const j = row % maps.out[1] * conv.stride[1] - conv.padding[1];
  auto const k = row / maps.out[1] % maps.out[0] * conv.stride[0] - conv.padding[0];
  auto const sample = row / (maps.out[0] * maps.out[1]);
  auto const values = size_i * conv.in;
  for (std::int64_t z = k; z < k + conv.kernel[0]; ++z) {
    for (std::int64_t q = j; q < j + conv.kernel[1]; ++q, to += pitch) {
      auto* const inside = to + conv.padding[2] * conv.in;
      if (z < 0 || z >= size_k || q < 0 || q >= size_j) {
        std::fill_n(inside, values, 0.0F);
        continue;
      }
      auto const* const from = x + ((sample * size_k + z) * size_j + q) * values;
      for (std::int64_t n = 0; n < values; ++n) inside[n] = widened(from[n]);
    }
  }
}

template <class T, int lanes>
[[gnu::always_inline]] inline void few_convolve(FewInputsWork<T> const* given) {
  using V = typename LanesVector<lanes>::Type;
  auto const& work = *given;
  auto const& conv = work.conv;
  auto const& maps = work.maps;
  auto const rows = conv.kernel[0] * conv.kernel[1];
  auto const run = conv.kernel[2] * conv.in;   // taps that lie beside each other
  auto const step = conv.stride[2] * conv.in;  // from an output's inputs to the next's
  auto const most = (maps.out[2] + few_at_once) * step + run;
  auto const pitch = std::max(most, (maps.in[2] + 2 * conv.padding[2]) * conv.in);
  thread_local std::vector<float> room;
  room.assign(static_cast<std::size_t>(rows * pitch), 0.0F);
  for (auto row = work.begin; row < work.end; ++row) {
    few_gather(conv, maps, work.x, row, room.data(), pitch);
    for (std::int64_t i = 0; i < maps.out[2]; i += few_at_once) {
      auto const count = std::min(few_at_once, maps.out[2] - i);
      auto* const to = work.y + (row * maps.out[2] + i) * conv.out;
      auto const* b = work.prepared;
      for (std::int64_t out = 0; out < conv.out; out += 2 * lanes) {
        V left[few_at_once], right[few_at_once];
#pragma GCC unroll 8
        for (std::int64_t n = 0; n < few_at_once; ++n) left[n] = right[n] = V{};
        for (std::int64_t r = 0; r < rows; ++r) {
          auto const* const a = room.data() + r * pitch + i * step;
          for (std::int64_t t = 0; t < run; ++t, b += 2 * lanes) {
            V first, second;
            load_lanes<lanes>(first, b);
            load_lanes<lanes>(second, b + lanes);
#pragma GCC unroll 8
            for (std::int64_t n = 0; n < few_at_once; ++n) {
              auto const factor = a[n * step + t];
              left[n] += factor * first;
              right[n] += factor * second;
            }
          }
        }
        auto const some = std::min<std::int64_t>(lanes, conv.out - out);
        auto const others = std::clamp<std::int64_t>(conv.out - out - lanes, 0, lanes);
        V more{}, other_more{};
        if (work.bias != nullptr) {
          load_lanes<lanes>(more, work.bias + out, some);
          if (others > 0) load_lanes<lanes>(other_more, work.bias + out + lanes, others);
        }
#pragma GCC unroll 8
        for (std::int64_t n = 0; n < few_at_once; ++n) {
          if (n >= count) break;
          V const one = left[n] + more, other = right[n] + other_more;
          store_lanes<lanes>(to + n * conv.out + out, one, some);
          if (others > 0) store_lanes<lanes>(to + n * conv.out + out + lanes, other, others);
        }
      }
    }
  }
}

template <class T>
struct FewInputsGradient {
  FewInputs const& conv;
  FewMaps const& maps;
  T const* x;
  T const* gradient;
  float* sums;
  std::int64_t begin, end;
};

// Adds to sums[tap][2 * lanes] what a row of outputs' gradients of so many channels gives
// taps_at_once taps, whose first inputs lie at `from`.
template <int lanes, std::int64_t taps_at_once>
[[gnu::always_inline]] inline void few_add_taps(float const* const* from,
                                                std::int64_t step,
                                                float const* gradient,
                                                std::int64_t pitch,
                                                std::int64_t count,
                                                float* sums,
                                                std::int64_t taps) {
  using V = typename LanesVector<lanes>::Type;
  V left[taps_at_once], right[taps_at_once];
#pragma GCC unroll 9
  for (std::int64_t t = 0; t < taps_at_once; ++t) left[t] = right[t] = V{};
  for (std::int64_t i = 0; i < count; ++i) {
    V first, second;
    load_lanes<lanes>(first, gradient + i * pitch);
    load_lanes<lanes>(second, gradient + i * pitch + lanes);
#pragma GCC unroll 9
    for (std::int64_t t = 0; t < taps_at_once; ++t) {
      auto const factor = from[t][i * step];
      left[t] += factor * first;
      right[t] += factor * second;
    }
  }
#pragma GCC unroll 9
  for (std::int64_t t = 0; t < taps_at_once; ++t) {
    if (t >= taps) break;
    auto* const to = sums + t * 2 * lanes;
    V first, second;
    load_lanes<lanes>(first, to);
    load_lanes<lanes>(second, to + lanes);
    first += left[t];
    second += right[t];
    store_lanes<lanes>(to, first);
    store_lanes<lanes>(to + lanes, second);
  }
}

template <class T, int lanes>
[[gnu::always_inline]] inline void few_to_weights(FewInputsGradient<T> const* given) {
  // Kernels of 3 have so many taps, or a multiple; with narrower vectors there are fewer
  // registers.
  constexpr std::int64_t taps_at_once = lanes == 16 ? 9 : 4;
  auto const& work = *given;
  auto const& conv = work.conv;
  auto const& maps = work.maps;
  auto const rows = conv.kernel[0] * conv.kernel[1];
  auto const run = conv.kernel[2] * conv.in;
  auto const step = conv.stride[2] * conv.in;
  auto const pitch =
      std::max((maps.out[2] - 1) * step + run, (maps.in[2] + 2 * conv.padding[2]) * conv.in);
  auto const out_pitch = (conv.out + 2 * lanes - 1) / (2 * lanes) * 2 * lanes;
  thread_local std::vector<float> room;
  room.assign(static_cast<std::size_t>(rows * pitch + maps.out[2] * out_pitch), 0.0F);
  auto* const wide = room.data() + rows * pitch;
  for (auto row = work.begin; row < work.end; ++row) {
    few_gather(conv, maps, work.x, row, room.data(), pitch);
    auto const* const gradient = work.gradient + row * maps.out[2] * conv.out;
    for (std::int64_t i = 0; i < maps.out[2]; ++i)
      for (std::int64_t o = 0; o < conv.out; ++o)
        wide[i * out_pitch + o] = widened(gradient[i * conv.out + o]);
    auto* sums = work.sums;
    for (std::int64_t out = 0; out < conv.out; out += 2 * lanes) {
      for (std::int64_t tap = 0; tap < rows * run; tap += taps_at_once) {
        auto const taps = std::min(taps_at_once, rows * run - tap);
        std::array<float const*, taps_at_once> from{};
        for (std::int64_t t = 0; t < taps_at_once; ++t) {
          auto const at = tap + std::min(t, taps - 1);
          from[static_cast<std::size_t>(t)] = room.data() + at / run * pitch + at % run;
        }
        few_add_taps<lanes, taps_at_once>(from.data(), step, wide + out, out_pitch, maps.out[2],
                                          sums, taps);
        sums += taps * 2 * lanes;
      }
    }
  }
}

}  // namespace

std::int64_t FewInputs::weight_values() const {
  return taps() * ((out + panel() - 1) / panel() * panel());
}

void FewInputs::prepare(float const* weight, float* prepared) const {
  std::fill_n(prepared, weight_values(), 0.0F);
  auto const places = taps() / in;
  for (std::int64_t o = 0; o < out; ++o)
    for (std::int64_t c = 0; c < in; ++c)
      for (std::int64_t place = 0; place < places; ++place)
        prepared[at(o, c, place)] = weight[(o * in + c) * places + place];
}

template <class T>
void FewInputs::convolve(FewMaps const& maps,
                         T const* x,
                         float const* prepared,
                         float const* bias,
                         T* y,
                         std::int64_t begin,
                         std::int64_t end) const {
  FewInputsWork<T> const work{*this, maps, x, prepared, bias, y, begin, end};
  with_vectors<few_convolve<T, 16>, few_convolve<T, 8>>(width, &work);
}

template <class T>
void FewInputs::add_to_weights(FewMaps const& maps,
                               T const* x,
                               T const* gradient,
                               float* sums,
                               std::int64_t begin,
                               std::int64_t end) const {
  FewInputsGradient<T> const work{*this, maps, x, gradient, sums, begin, end};
  with_vectors<few_to_weights<T, 16>, few_to_weights<T, 8>>(width, &work);
}

void FewInputs::weights(float const* sums, float* weight) const {
  auto const places = taps() / in;
  for (std::int64_t o = 0; o < out; ++o)
    for (std::int64_t c = 0; c < in; ++c)
      for (std::int64_t place = 0; place < places; ++place)
        weight[(o * in + c) * places + place] = sums[at(o, c, place)];
}

template void FewInputs::convolve(FewMaps const&,
                                  float const*,
                                  float const*,
                                  float const*,
                                  float*,
                                  std::int64_t,
                                  std::int64_t) const;
template void FewInputs::convolve(FewMaps const&,
                                  BFloat16 const*,
                                  float const*,
                                  float const*,
                                  BFloat16*,
                                  std::int64_t,
                                  std::int64_t) const;

template void FewInputs::add_to_weights(
    FewMaps const&, float const*, float const*, float*, std::int64_t, std::int64_t) const;
template void FewInputs::add_to_weights(
    FewMaps const&, BFloat16 const*, BFloat16 const*, float*, std::int64_t, std::int64_t) const;

}  // namespace fovea
