#include "learn/transform/kernels.hpp"

#include "base/core/vectors.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <immintrin.h>
#include <numbers>

// The compiler's own header of AVX-512 reads undefined vectors on purpose.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"

namespace fovea {
namespace {

template <class T>
[[gnu::always_inline]] inline void kernels_add_row(T const* row,
                                                   float weight,
                                                   float* __restrict sum,
                                                   std::int64_t count) {
  for (std::int64_t x = 0; x < count; ++x) sum[x] += weight * static_cast<float>(row[x]);
}

[[gnu::always_inline]] inline void kernels_gather_row(float const* row,
                                                      std::int32_t const* at,
                                                      float const* weight,
                                                      int taps,
                                                      float* __restrict out,
                                                      std::int64_t count) {
  for (std::int64_t x = 0; x < count; ++x) out[x] = weight[x] * row[at[x]];
  for (int k = 1; k < taps; ++k) {
    at += count;
    weight += count;
    for (std::int64_t x = 0; x < count; ++x) out[x] += weight[x] * row[at[x]];
  }
}

// Not a number becomes 0: an index made of it must stay inside.
[[gnu::always_inline]] inline float kernels_inside(float at, float last) {
  at = at > 0 ? at : 0.0F;
  return at < last ? at : last;
}

// From a to b; exactly a at 0 and exactly b at 1.
[[gnu::always_inline]] inline float kernels_between(float a, float b, float t) {
  return a * (1 - t) + b * t;
}

[[gnu::always_inline]] inline void kernels_sample_row(Plane plane,
                                                      float const* at_x,
                                                      float const* at_y,
                                                      float* __restrict out,
                                                      std::int64_t count) {
  auto const last_x = static_cast<float>(plane.width - 1);
  auto const last_y = static_cast<float>(plane.height - 1);
  // The last pixel is reached from the one before it, so that both always are there.
  auto const right = plane.width > 1 ? 1 : 0;
  auto const down = plane.height > 1 ? plane.width : 0;
  auto const most_i = plane.width - 1 - right;
  auto const most_j = plane.height > 1 ? plane.height - 2 : 0;
  for (std::int64_t n = 0; n < count; ++n) {
    auto const x = kernels_inside(at_x[n], last_x);
    auto const y = kernels_inside(at_y[n], last_y);
    auto const i = std::min(static_cast<std::int32_t>(x), most_i);
    auto const j = std::min(static_cast<std::int32_t>(y), most_j);
    auto const u = x - static_cast<float>(i);
    auto const v = y - static_cast<float>(j);
    auto const* upper = plane.pixels + (j * plane.width + i);
    auto const* lower = upper + down;
    out[n] = kernels_between(kernels_between(upper[0], upper[right], u),
                             kernels_between(lower[0], lower[right], u), v);
  }
}

// A pixel and its right neighbour lie side by side: one gather of 8 bytes fetches both, five
// times as fast as what a compiler makes of the loop above. The same arithmetic, the same bits.
// Returns how many were done; the plane must be at least 2 x 2.
[[gnu::target("arch=x86-64-v4")]] std::int64_t kernels_sample_pairs(
    Plane plane, float const* at_x, float const* at_y, float* out, std::int64_t count) {
  auto const zero = _mm512_setzero_ps();
  auto const one = _mm512_set1_ps(1);
  auto const last_x = _mm512_set1_ps(static_cast<float>(plane.width - 1));
  auto const last_y = _mm512_set1_ps(static_cast<float>(plane.height - 1));
  auto const most_i = _mm512_set1_epi32(plane.width - 2);
  auto const most_j = _mm512_set1_epi32(plane.height - 2);
  auto const width = _mm512_set1_epi32(plane.width);
  auto const evens =
      _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  auto const odds = _mm512_add_epi32(evens, _mm512_set1_epi32(1));
  std::int64_t n = 0;
  for (; n + 16 <= count; n += 16) {
    // max returns its second operand for what is not a number: 0.
    auto const x = _mm512_min_ps(_mm512_max_ps(_mm512_loadu_ps(at_x + n), zero), last_x);
    auto const y = _mm512_min_ps(_mm512_max_ps(_mm512_loadu_ps(at_y + n), zero), last_y);
    auto const i = _mm512_min_epi32(_mm512_cvttps_epi32(x), most_i);
    auto const j = _mm512_min_epi32(_mm512_cvttps_epi32(y), most_j);
    auto const u = _mm512_sub_ps(x, _mm512_cvtepi32_ps(i));
    auto const v = _mm512_sub_ps(y, _mm512_cvtepi32_ps(j));
    auto const rest_u = _mm512_sub_ps(one, u);
    auto row = _mm512_add_epi32(_mm512_mullo_epi32(j, width), i);
    __m512 between[2];
    for (auto& value : between) {
      auto const first = _mm512_i32gather_epi64(_mm512_castsi512_si256(row), plane.pixels, 4);
      auto const second =
          _mm512_i32gather_epi64(_mm512_extracti64x4_epi64(row, 1), plane.pixels, 4);
      auto const a = _mm512_castsi512_ps(_mm512_permutex2var_epi32(first, evens, second));
      auto const b = _mm512_castsi512_ps(_mm512_permutex2var_epi32(first, odds, second));
      value = _mm512_add_ps(_mm512_mul_ps(a, rest_u), _mm512_mul_ps(b, u));
      row = _mm512_add_epi32(row, width);
    }
    _mm512_storeu_ps(out + n, _mm512_add_ps(_mm512_mul_ps(between[0], _mm512_sub_ps(one, v)),
                                            _mm512_mul_ps(between[1], v)));
  }
  return n;
}

[[gnu::always_inline]] inline void kernels_scale_and_add(float* values,
                                                         std::int64_t count,
                                                         float factor,
                                                         float offset) {
  for (std::int64_t n = 0; n < count; ++n) values[n] = values[n] * factor + offset;
}

// Natural logarithm of a positive normal number: exponent apart, the rest by the series of
// 2 artanh((m - 1) / (m + 1)), whose next term is below 1e-9 for m in [0.7, 1.5).
[[gnu::always_inline]] inline float kernels_log(float value) {
  constexpr std::int32_t base = 0x3f3504f3;  // sqrt(1/2)
  auto const bits = std::bit_cast<std::int32_t>(value) - base;
  auto const exponent = bits >> 23;
  auto const m = std::bit_cast<float>((bits & 0x007fffff) + base);
  auto const s = (m - 1) / (m + 1);
  auto const q = s * s;
  auto const series = 2 * s * (1 + q * (1 / 3.0F + q * (1 / 5.0F + q * (1 / 7.0F + q / 9))));
  return static_cast<float>(exponent) * std::numbers::ln2_v<float> + series;
}

// e^x for |x| < 87: 2^n times the Taylor series of e^f, |f| <= ln(2) / 2.
[[gnu::always_inline]] inline float kernels_exp(float x) {
  x = x > -87.0F ? x : -87.0F;
  x = x < 87.0F ? x : 87.0F;
  auto const scaled = x * std::numbers::log2e_v<float>;
  auto const n = static_cast<std::int32_t>(scaled + std::copysign(0.5F, scaled));
  auto const f = x - static_cast<float>(n) * std::numbers::ln2_v<float>;
  auto const series =
      1 + f * (1 + f * (1 / 2.0F + f * (1 / 6.0F + f * (1 / 24.0F +
                                                        f * (1 / 120.0F + f * (1 / 720.0F))))));
  return series * std::bit_cast<float>((n + 127) << 23);
}

[[gnu::always_inline]] inline void kernels_raise_to(float* values,
                                                    std::int64_t count,
                                                    float exponent) {
  for (std::int64_t n = 0; n < count; ++n) {
    auto const value = values[n];
    auto const positive = value > 1e-30F ? value : 1e-30F;
    auto const powered = kernels_exp(exponent * kernels_log(positive));
    // Chosen by bits: a choice between floats is a jump to this compiler, and no jump can be a
    // vector.
    auto const keep = -static_cast<std::int32_t>(!(value > 0));
    values[n] = std::bit_cast<float>((std::bit_cast<std::int32_t>(value) & keep) |
                                     (std::bit_cast<std::int32_t>(powered) & ~keep));
  }
}

constexpr std::size_t kernels_lanes = 16;
using KernelsWords = std::array<std::uint32_t, kernels_lanes>;

struct KernelsStreams {
  KernelsWords a, b, c, d;
};

KernelsStreams kernels_streams(std::uint64_t key) {
  KernelsStreams streams{};
  // SplitMix64 (Steele et al. 2014); two words of state from each of its numbers.
  auto const next = [&key] {
    auto z = key += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  };
  for (std::size_t lane = 0; lane < kernels_lanes; ++lane) {
    auto const one = next();
    auto const two = next();
    streams.a[lane] = static_cast<std::uint32_t>(one);
    streams.b[lane] = static_cast<std::uint32_t>(one >> 32);
    streams.c[lane] = static_cast<std::uint32_t>(two);
    streams.d[lane] = static_cast<std::uint32_t>(two >> 32) | 1;  // the state is never all zero
  }
  return streams;
}

[[gnu::always_inline]] inline std::uint32_t kernels_next(KernelsStreams& s, std::size_t lane) {
  auto const sum = s.a[lane] + s.d[lane];
  auto const result = ((sum << 7) | (sum >> 25)) + s.a[lane];
  auto const t = s.b[lane] << 9;
  s.c[lane] ^= s.a[lane];
  s.d[lane] ^= s.b[lane];
  s.b[lane] ^= s.c[lane];
  s.a[lane] ^= s.d[lane];
  s.c[lane] ^= t;
  s.d[lane] = (s.d[lane] << 11) | (s.d[lane] >> 21);
  return result;
}

// A pair of standard normals: a radius from `r`; from `t` an angle within an eighth of a turn
// of the x axis and three bits that swap and mirror it over the whole circle.
[[gnu::always_inline]] inline void kernels_pair(std::uint32_t r,
                                                std::uint32_t t,
                                                float& first,
                                                float& second) {
  auto const uniform = (static_cast<float>(static_cast<std::int32_t>(r >> 1)) + 1) * 0x1p-31F;
  auto const radius = std::sqrt(-2 * kernels_log(uniform));
  auto const z = static_cast<float>(static_cast<std::int32_t>(t) >> 3) * 0x1p-28F *
                 (std::numbers::pi_v<float> / 4);
  auto const q = z * z;
  auto const sine = z * (1 - q * (1 / 6.0F - q * (1 / 120.0F - q * (1 / 5040.0F))));
  auto const cosine = 1 - q * (1 / 2.0F - q * (1 / 24.0F - q * (1 / 720.0F - q / 40320)));
  auto const swap = (t & 1U) != 0;
  auto const x = radius * (swap ? sine : cosine);
  auto const y = radius * (swap ? cosine : sine);
  first = (t & 2U) != 0 ? -x : x;
  second = (t & 4U) != 0 ? -y : y;
}

[[gnu::always_inline]] inline void kernels_add_normal(float* values,
                                                      std::int64_t count,
                                                      float deviation,
                                                      KernelsStreams const* seeded) {
  auto streams = *seeded;
  constexpr std::int64_t block = 2 * kernels_lanes;
  std::array<float, block> normal;
  for (std::int64_t at = 0; at < count; at += block) {
    for (std::size_t lane = 0; lane < kernels_lanes; ++lane) {
      auto const r = kernels_next(streams, lane);
      auto const t = kernels_next(streams, lane);
      kernels_pair(r, t, normal[lane], normal[kernels_lanes + lane]);
    }
    if (count - at >= block) {
      for (std::size_t n = 0; n < block; ++n) values[at + n] += deviation * normal[n];
    } else {
      for (std::size_t n = 0; n < static_cast<std::size_t>(count - at); ++n)
        values[at + n] += deviation * normal[n];
    }
  }
}

[[gnu::always_inline]] inline void kernels_sum(float const* values,
                                               std::int64_t count,
                                               double* total) {
  std::array<double, kernels_lanes> sums{};
  std::int64_t at = 0;
  for (; at + static_cast<std::int64_t>(kernels_lanes) <= count; at += kernels_lanes) {
    for (std::size_t lane = 0; lane < kernels_lanes; ++lane)
      sums[lane] += static_cast<double>(values[at + lane]);
  }
  for (std::size_t lane = 0; at < count; ++at, ++lane)
    sums[lane] += static_cast<double>(values[at]);
  for (auto const sum : sums) *total += sum;
}

std::int64_t kernels_count(std::span<float const> values) {
  return static_cast<std::int64_t>(values.size());
}

}  // namespace

void add_row(std::uint8_t const* row, float weight, float* sum, std::int64_t count) {
  with_widest_vectors<kernels_add_row<std::uint8_t>>(row, weight, sum, count);
}

void add_row(std::uint16_t const* row, float weight, float* sum, std::int64_t count) {
  with_widest_vectors<kernels_add_row<std::uint16_t>>(row, weight, sum, count);
}

void add_row(float const* row, float weight, float* sum, std::int64_t count) {
  with_widest_vectors<kernels_add_row<float>>(row, weight, sum, count);
}

void gather_row(float const* row,
                std::int32_t const* at,
                float const* weight,
                int taps,
                float* out,
                std::int64_t count) {
  with_widest_vectors<kernels_gather_row>(row, at, weight, taps, out, count);
}

void sample_row(
    Plane plane, float const* at_x, float const* at_y, float* out, std::int64_t count) {
  std::int64_t done = 0;
  if (vectors::width() == vectors::Width::avx512 && plane.width > 1 && plane.height > 1)
    done = kernels_sample_pairs(plane, at_x, at_y, out, count);
  with_widest_vectors<kernels_sample_row>(plane, at_x + done, at_y + done, out + done,
                                          count - done);
}

void scale_and_add(std::span<float> values, float factor, float offset) {
  with_widest_vectors<kernels_scale_and_add>(values.data(), kernels_count(values), factor,
                                             offset);
}

void raise_to(std::span<float> values, float exponent) {
  with_widest_vectors<kernels_raise_to>(values.data(), kernels_count(values), exponent);
}

void add_normal(std::span<float> values, float deviation, std::uint64_t key) {
  auto const streams = kernels_streams(key);
  with_widest_vectors<kernels_add_normal>(values.data(), kernels_count(values), deviation,
                                          &streams);
}

double mean_of(std::span<float const> values) {
  if (values.empty()) return 0;
  double total = 0;
  with_widest_vectors<kernels_sum>(values.data(), kernels_count(values), &total);
  return total / static_cast<double>(values.size());
}

}  // namespace fovea
