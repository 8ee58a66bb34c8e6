#include "learn/window/lines.hpp"

#include "base/core/vectors.hpp"

#include <algorithm>
#include <limits>
#include <type_traits>

namespace fovea {
namespace {

constexpr auto lines_infinite = 0x7f800000U;

template <class Sum>
[[gnu::always_inline]] inline std::uint32_t lines_bad(float value) {
  if constexpr (std::is_same_v<Sum, Half>) {
    auto const size = std::bit_cast<std::uint32_t>(value) & 0x7fffffffU;
    return size > std::bit_cast<std::uint32_t>(Half::largest) ? 1 : 0;
  } else {
    return 0;  // seen when the sums are read
  }
}

template <class Sum, class Value, bool dense>
[[gnu::always_inline]] inline void lines_add(Sum* sums,
                                             std::int64_t sum_step,
                                             LinesIn<Value> const* in,
                                             std::uint32_t* bad) {
  auto const n = in->count;
  auto const step = dense ? 1 : in->step;
  float const* __restrict const weights = in->weights;
  std::uint32_t some = 0;
  for (std::int64_t c = 0; c < in->channels; ++c) {
    Sum* __restrict const sum = sums + c * sum_step;
    Value const* __restrict const value = in->values + c * in->channel_step;
    for (std::int64_t i = 0; i < n; ++i) {
      auto const next = widened(sum[i]) + weights[i] * widened(value[i * step]);
      some |= lines_bad<Sum>(next);
      sum[i] = narrowed<Sum>(next);
    }
  }
  *bad = some;
}

template <class Sum>
[[gnu::always_inline]] inline void lines_blend(LinesAround<Sum> const* around,
                                               std::int64_t channels,
                                               std::int64_t count,
                                               float* into,
                                               std::uint32_t* bad) {
  std::uint32_t some = 0;
  for (std::int64_t c = 0; c < channels; ++c) {
    float* __restrict const out = into + c * line_columns;
    for (int n = 0; n < around->count; ++n) {
      Sum const* __restrict const line = around->lines[n] + c * around->step;
      auto const part = around->part[n];
      if (n == 0) {
        for (std::int64_t i = 0; i < count; ++i) out[i] = part * widened(line[i]);
      } else {
        for (std::int64_t i = 0; i < count; ++i) out[i] += part * widened(line[i]);
      }
    }
    for (std::int64_t i = 0; i < count; ++i) {
      auto const bits = std::bit_cast<std::uint32_t>(out[i]);
      some |= (bits & lines_infinite) == lines_infinite ? 1U : 0U;
    }
  }
  *bad = some;
}

// 32 columns of some outputs stay in registers while all channels pass by.
template <std::int64_t rows>
[[gnu::always_inline]] inline void lines_head_tile(float const* weight,
                                                   float const* bias,
                                                   std::int64_t channels,
                                                   float const* __restrict from,
                                                   float* __restrict into) {
  constexpr std::int64_t wide = 16;
  using Wide [[gnu::vector_size(wide * sizeof(float))]] = float;
  Wide sums[rows][2];
  for (std::int64_t r = 0; r < rows; ++r) sums[r][0] = sums[r][1] = Wide{} + bias[r];
  for (std::int64_t c = 0; c < channels; ++c) {
    Wide left, right;
    __builtin_memcpy(&left, from + c * line_columns, sizeof left);
    __builtin_memcpy(&right, from + c * line_columns + wide, sizeof right);
    for (std::int64_t r = 0; r < rows; ++r) {
      auto const w = weight[r * channels + c];
      sums[r][0] += left * w;
      sums[r][1] += right * w;
    }
  }
  for (std::int64_t r = 0; r < rows; ++r) {
    __builtin_memcpy(into + r * line_columns, &sums[r][0], sizeof(Wide));
    __builtin_memcpy(into + r * line_columns + wide, &sums[r][1], sizeof(Wide));
  }
}

[[gnu::always_inline]] inline void lines_head(float const* weight,
                                              float const* bias,
                                              std::int64_t outputs,
                                              std::int64_t channels,
                                              std::int64_t count,
                                              float const* from,
                                              float* into) {
  for (std::int64_t i = 0; i < count; i += 32) {
    std::int64_t o = 0;
    for (; o + 4 <= outputs; o += 4)
      lines_head_tile<4>(weight + o * channels, bias + o, channels, from + i,
                         into + o * line_columns + i);
    for (; o < outputs; ++o)
      lines_head_tile<1>(weight + o * channels, bias + o, channels, from + i,
                         into + o * line_columns + i);
  }
}

template <bool same>
[[gnu::always_inline]] inline float lines_between(float const* line,
                                                  ColumnTaps const* taps,
                                                  std::int64_t o) {
  if constexpr (same) return line[o];
  auto const low = line[taps->low[o]];
  return low + taps->part[o] * (line[taps->high[o]] - low);
}

template <bool same>
[[gnu::always_inline]] inline void lines_stretch(float const* from,
                                                 std::int64_t channels,
                                                 ColumnTaps const* taps,
                                                 float* __restrict into) {
  for (std::int64_t c = 0; c < channels; ++c) {
    for (std::int64_t o = 0; o < taps->count; ++o)
      into[c * line_columns + o] = lines_between<same>(from + c * line_columns, taps, o);
  }
}

template <bool same>
[[gnu::always_inline]] inline void lines_largest(float const* from,
                                                 std::int64_t channels,
                                                 ColumnTaps const* taps,
                                                 std::uint16_t* __restrict largest) {
  float best[line_columns];
  std::int32_t which[line_columns];
  for (std::int64_t o = 0; o < taps->count; ++o) {
    best[o] = lines_between<same>(from, taps, o);
    which[o] = 0;
  }
  for (std::int64_t c = 1; c < channels; ++c) {
    for (std::int64_t o = 0; o < taps->count; ++o) {
      auto const value = lines_between<same>(from + c * line_columns, taps, o);
      auto const more = value > best[o];
      best[o] = more ? value : best[o];
      which[o] = more ? static_cast<std::int32_t>(c) : which[o];
    }
  }
  for (std::int64_t o = 0; o < taps->count; ++o)
    largest[o] = static_cast<std::uint16_t>(which[o]);
}

template <bool same>
[[gnu::always_inline]] inline void lines_painted(float const* from,
                                                 std::int64_t channels,
                                                 ColumnTaps const* taps,
                                                 std::uint16_t const* paint,
                                                 std::uint16_t* __restrict into) {
  for (std::int64_t o = 0; o < taps->count; ++o) into[o] = 0;
  for (std::int64_t c = 0; c < channels; ++c) {
    auto const value = paint[c];
    for (std::int64_t o = 0; o < taps->count; ++o)
      into[o] = lines_between<same>(from + c * line_columns, taps, o) > 0 ? value : into[o];
  }
}

// e^x by 2^n * e^r with |r| <= ln(2) / 2, a polynomial of degree 6 for e^r: within 2e-7 of it.
[[gnu::always_inline]] inline float lines_exp(float x) {
  auto const inside = std::min(std::max(x, -87.0F), 88.0F);
  auto const scaled = inside * 1.44269504F;
  auto const whole = static_cast<std::int32_t>(scaled + (scaled < 0 ? -0.5F : 0.5F));
  auto const n = static_cast<float>(whole);
  auto const r = (inside - n * 0.693359375F) + n * 2.12194440e-4F;
  auto p = 1.0F / 720;
  p = p * r + 1.0F / 120;
  p = p * r + 1.0F / 24;
  p = p * r + 1.0F / 6;
  p = p * r + 0.5F;
  p = p * r + 1.0F;
  p = p * r + 1.0F;
  return p * std::bit_cast<float>((whole + 127) << 23);
}

[[gnu::always_inline]] inline void lines_softmax(float* values,
                                                 std::int64_t channels,
                                                 std::int64_t count) {
  float most[line_columns], sum[line_columns];
  for (std::int64_t i = 0; i < count; ++i) {
    most[i] = values[i];
    sum[i] = 0;
  }
  for (std::int64_t c = 1; c < channels; ++c) {
    for (std::int64_t i = 0; i < count; ++i)
      most[i] = std::max(most[i], values[c * line_columns + i]);
  }
  for (std::int64_t c = 0; c < channels; ++c) {
    for (std::int64_t i = 0; i < count; ++i) {
      auto const power = lines_exp(values[c * line_columns + i] - most[i]);
      values[c * line_columns + i] = power;
      sum[i] += power;
    }
  }
  for (std::int64_t c = 0; c < channels; ++c) {
    for (std::int64_t i = 0; i < count; ++i) values[c * line_columns + i] /= sum[i];
  }
}

[[gnu::always_inline]] inline void lines_sigmoid(float* values,
                                                 std::int64_t channels,
                                                 std::int64_t count) {
  for (std::int64_t c = 0; c < channels; ++c) {
    for (std::int64_t i = 0; i < count; ++i) {
      auto& value = values[c * line_columns + i];
      value = 1 / (1 + lines_exp(-value));
    }
  }
}

}  // namespace

template <class Sum, class Value>
bool add_lines(Sum* sums, std::int64_t sum_step, LinesIn<Value> const& in) {
  std::uint32_t bad = 0;
  if (in.step == 1)
    with_widest_vectors<lines_add<Sum, Value, true>>(sums, sum_step, &in, &bad);
  else
    with_widest_vectors<lines_add<Sum, Value, false>>(sums, sum_step, &in, &bad);
  return bad == 0;
}

template <class Sum>
bool blend_lines(LinesAround<Sum> const& around,
                 std::int64_t channels,
                 std::int64_t count,
                 float* into) {
  std::uint32_t bad = 0;
  with_widest_vectors<lines_blend<Sum>>(&around, channels, count, into, &bad);
  return bad == 0;
}

template bool add_lines(float*, std::int64_t, LinesIn<float> const&);
template bool add_lines(float*, std::int64_t, LinesIn<BFloat16> const&);
template bool add_lines(Half*, std::int64_t, LinesIn<float> const&);
template bool add_lines(Half*, std::int64_t, LinesIn<BFloat16> const&);
template bool blend_lines(LinesAround<float> const&, std::int64_t, std::int64_t, float*);
template bool blend_lines(LinesAround<Half> const&, std::int64_t, std::int64_t, float*);

void head_lines(float const* weight,
                float const* bias,
                std::int64_t outputs,
                std::int64_t channels,
                std::int64_t count,
                float const* from,
                float* into) {
  with_widest_vectors<lines_head>(weight, bias, outputs, channels, count, from, into);
}

void stretch_lines(float const* from,
                   std::int64_t channels,
                   ColumnTaps const& taps,
                   float* into) {
  if (taps.same)
    with_widest_vectors<lines_stretch<true>>(from, channels, &taps, into);
  else
    with_widest_vectors<lines_stretch<false>>(from, channels, &taps, into);
}

void largest_line(float const* from,
                  std::int64_t channels,
                  ColumnTaps const& taps,
                  std::uint16_t* largest) {
  if (taps.same)
    with_widest_vectors<lines_largest<true>>(from, channels, &taps, largest);
  else
    with_widest_vectors<lines_largest<false>>(from, channels, &taps, largest);
}

void painted_lines(float const* from,
                   std::int64_t channels,
                   ColumnTaps const& taps,
                   std::uint16_t const* paint,
                   std::uint16_t* into) {
  if (taps.same)
    with_widest_vectors<lines_painted<true>>(from, channels, &taps, paint, into);
  else
    with_widest_vectors<lines_painted<false>>(from, channels, &taps, paint, into);
}

void softmax_lines(float* values, std::int64_t channels, std::int64_t count) {
  with_widest_vectors<lines_softmax>(values, channels, count);
}
void sigmoid_lines(float* values, std::int64_t channels, std::int64_t count) {
  with_widest_vectors<lines_sigmoid>(values, channels, count);
}

}  // namespace fovea
