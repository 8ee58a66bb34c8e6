#include "learn/kernel/few_transposed.hpp"

#include "learn/kernel/lanes.hpp"

#include <algorithm>
#include <vector>

namespace fovea {
namespace {

constexpr std::int64_t few_inputs_at_once = 6;  // of a row

template <class T>
struct FewTransposedWork {
  FewTransposed const& conv;
  FewMaps const& maps;
  T const* x;
  float const* prepared;
  std::int64_t panels;
  float const* bias;
  T* y;
  std::int64_t begin, end;
};

// The inputs of an axis that reach an output: its place is stride * input - padding + tap.
struct FewSources {
  std::int64_t count = 0;
  std::array<std::int64_t, FewTransposed::most_places> at{}, tap{};
};
[[gnu::always_inline]] inline FewSources few_sources(std::int64_t output,
                                                     FewTransposed const& conv,
                                                     FewMaps const& maps,
                                                     std::size_t axis) {
  FewSources out;
  auto const place = output + conv.padding[axis], stride = conv.stride[axis];
  for (auto tap = place % stride; tap < conv.kernel[axis] && tap <= place; tap += stride) {
    auto const at = (place - tap) / stride;
    if (at >= maps.in[axis]) continue;
    auto const n = static_cast<std::size_t>(out.count++);
    out.at[n] = at;
    out.tap[n] = tap;
  }
  return out;
}

// sums[input][panel * lanes] = rows[input] * the panels of one tap along k, added up over taps.
template <int lanes, int panels>
[[gnu::always_inline]] inline void few_products(float const* const* rows,
                                                float const* const* weights,
                                                std::int64_t taps,
                                                std::int64_t channels,
                                                float* sums,
                                                std::int64_t pitch) {
  using V = typename LanesVector<lanes>::Type;
  V made[few_inputs_at_once][panels];
#pragma GCC unroll 6
  for (auto& row : made)
#pragma GCC unroll 2
    for (auto& v : row) v = V{};
  for (std::int64_t tap = 0; tap < taps; ++tap) {
    auto const* const a = rows[tap];
    auto const* b = weights[tap];
    for (std::int64_t c = 0; c < channels; ++c, b += lanes) {
      V w[panels];
#pragma GCC unroll 2
      for (int p = 0; p < panels; ++p) load_lanes<lanes>(w[p], b + p * channels * lanes);
#pragma GCC unroll 6
      for (std::int64_t n = 0; n < few_inputs_at_once; ++n) {
        auto const factor = a[n * channels + c];
#pragma GCC unroll 2
        for (int p = 0; p < panels; ++p) made[n][p] += factor * w[p];
      }
    }
  }
#pragma GCC unroll 6
  for (std::int64_t n = 0; n < few_inputs_at_once; ++n)
#pragma GCC unroll 2
    for (int p = 0; p < panels; ++p)
      store_lanes<lanes>(sums + n * pitch + p * lanes, made[n][p]);
}

// Adds what a row of inputs gives one row of outputs: sums lie [input][…, tap along i, out].
template <std::int64_t out>
[[gnu::always_inline]] inline void few_add_of(FewTransposed const& conv,
                                              FewMaps const& maps,
                                              float const* sums,
                                              std::int64_t pitch,
                                              float* __restrict to) {
  if (conv.out == out) {
    for (std::int64_t tap = 0; tap < conv.kernel[2]; ++tap, sums += out) {
      auto const stride = conv.stride[2], before = tap - conv.padding[2];
      auto const first = before >= 0 ? 0 : (-before + stride - 1) / stride;
      auto const last = std::min(maps.in[2], (maps.out[2] - before + stride - 1) / stride);
      for (auto i = first; i < last; ++i)
#pragma GCC unroll 8
        for (std::int64_t c = 0; c < out; ++c)
          to[(stride * i + before) * out + c] += sums[i * pitch + c];
    }
    return;
  }
  if constexpr (out > 1) few_add_of<out - 1>(conv, maps, sums, pitch, to);
}

// Sums of row j of the inputs, for a slice of the outputs that `along_k` reaches.
template <class T, int lanes>
[[gnu::always_inline]] inline void few_row_sums(FewTransposedWork<T> const& work,
                                                std::int64_t sample,
                                                FewSources const& along_k,
                                                std::int64_t j,
                                                float* wide,
                                                std::int64_t inputs,
                                                float* sums) {
  auto const& maps = work.maps;
  auto const channels = work.conv.in, pitch = work.panels * lanes;
  auto const values = maps.in[2] * channels;
  for (std::int64_t n = 0; n < along_k.count; ++n) {
    auto const k = along_k.at[static_cast<std::size_t>(n)];
    auto const* const from = work.x + ((sample * maps.in[0] + k) * maps.in[1] + j) * values;
    for (std::int64_t v = 0; v < values; ++v)
      wide[n * inputs * channels + v] = widened(from[v]);
  }
  std::array<float const*, FewTransposed::most_places> rows{}, weights{};
  for (std::int64_t p = 0; p < work.panels; p += 2) {
    for (std::int64_t i = 0; i < inputs; i += few_inputs_at_once) {
      for (std::int64_t n = 0; n < along_k.count; ++n) {
        auto const at = static_cast<std::size_t>(n);
        rows[at] = wide + (n * inputs + i) * channels;
        weights[at] = work.prepared + (along_k.tap[at] * work.panels + p) * channels * lanes;
      }
      auto* const to = sums + i * pitch + p * lanes;
      if (p + 1 < work.panels)
        few_products<lanes, 2>(rows.data(), weights.data(), along_k.count, channels, to, pitch);
      else
        few_products<lanes, 1>(rows.data(), weights.data(), along_k.count, channels, to, pitch);
    }
  }
}

template <class T, int lanes>
[[gnu::always_inline]] inline void few_transposed(FewTransposedWork<T> const* given) {
  auto const& work = *given;
  auto const& conv = work.conv;
  auto const& maps = work.maps;
  auto const inputs =
      (maps.in[2] + few_inputs_at_once - 1) / few_inputs_at_once * few_inputs_at_once;
  auto const pitch = work.panels * lanes;
  auto const kept = conv.kernel[1];  // rows of sums: as many as reach one row of outputs
  auto const values = maps.out[2] * conv.out;
  auto const wide_values = conv.kernel[0] * inputs * conv.in;
  thread_local std::vector<float> room;  // zeros behind the end of a row
  room.assign(static_cast<std::size_t>(wide_values + kept * inputs * pitch + values), 0.0F);
  auto* const sums = room.data() + wide_values;
  auto* const line = sums + kept * inputs * pitch;
  std::array<std::int64_t, FewTransposed::most_places> held{};  // which row each of them is of
  held.fill(-1);
  for (auto row = work.begin; row < work.end; ++row) {
    auto const j = row % maps.out[1], k = row / maps.out[1] % maps.out[0];
    if (j == 0) held.fill(-1);
    auto const along_j = few_sources(j, conv, maps, 1), along_k = few_sources(k, conv, maps, 0);
    for (std::int64_t i = 0; i < maps.out[2]; ++i)
      for (std::int64_t c = 0; c < conv.out; ++c)
        line[i * conv.out + c] = work.bias == nullptr ? 0 : work.bias[c];
    for (std::int64_t n = 0; n < along_j.count; ++n) {
      auto const from = along_j.at[static_cast<std::size_t>(n)], slot = from % kept;
      auto* const mine = sums + slot * inputs * pitch;
      if (auto& of = held[static_cast<std::size_t>(slot)]; of != from) {
        few_row_sums<T, lanes>(work, row / (maps.out[1] * maps.out[0]), along_k, from,
                               room.data(), inputs, mine);
        of = from;
      }
      auto const tap = along_j.tap[static_cast<std::size_t>(n)];
      few_add_of<FewTransposed::most>(conv, maps, mine + tap * conv.kernel[2] * conv.out, pitch,
                                      line);
    }
    auto* const to = work.y + row * values;
    for (std::int64_t n = 0; n < values; ++n) to[n] = narrowed<T>(line[n]);
  }
}

}  // namespace

std::int64_t FewTransposed::weight_values() const {
  return kernel[0] * panels() * in * lanes();
}

void FewTransposed::prepare(float const* weight, float* prepared) const {
  std::fill_n(prepared, weight_values(), 0.0F);
  auto const flat = kernel[1] * kernel[2];
  for (std::int64_t c = 0; c < in; ++c)
    for (std::int64_t o = 0; o < out; ++o)
      for (std::int64_t k = 0; k < kernel[0]; ++k)
        for (std::int64_t tap = 0; tap < flat; ++tap) {
          auto const place = tap * out + o;
          prepared[((k * panels() + place / lanes()) * in + c) * lanes() + place % lanes()] =
              weight[((c * out + o) * kernel[0] + k) * flat + tap];
        }
}

template <class T>
void FewTransposed::convolve(FewMaps const& maps,
                             T const* x,
                             float const* prepared,
                             float const* bias,
                             T* y,
                             std::int64_t begin,
                             std::int64_t end) const {
  FewTransposedWork<T> const work{*this, maps, x, prepared, panels(), bias, y, begin, end};
  with_vectors<few_transposed<T, 16>, few_transposed<T, 8>>(width, &work);
}

template void FewTransposed::convolve(FewMaps const&,
                                      float const*,
                                      float const*,
                                      float const*,
                                      float*,
                                      std::int64_t,
                                      std::int64_t) const;
template void FewTransposed::convolve(FewMaps const&,
                                      BFloat16 const*,
                                      float const*,
                                      float const*,
                                      BFloat16*,
                                      std::int64_t,
                                      std::int64_t) const;

}  // namespace fovea
