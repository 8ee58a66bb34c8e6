#pragma once

#include <cstdint>
#include <span>

namespace fovea {

// The loops over pixels that cost time: plain rows of numbers in, rows out. Each is compiled
// three times (any x86-64, AVX2, AVX-512) and chosen by what the CPU can. No sum is reordered
// and no multiply is fused with an add (-ffp-contract=off), so every CPU gives the same bits.

/// sum[x] += weight * row[x]
void add_row(std::uint8_t const* row, float weight, float* sum, std::int64_t count);
void add_row(std::uint16_t const* row, float weight, float* sum, std::int64_t count);
void add_row(float const* row, float weight, float* sum, std::int64_t count);

/// out[x] = sum over k of weight[k * count + x] * row[at[k * count + x]], taps k = 0 … taps
/// - 1.
void gather_row(float const* row,
                std::int32_t const* at,
                float const* weight,
                int taps,
                float* out,
                std::int64_t count);

/// A plane of `width` x `height` floats, row after row.
struct Plane {
  float const* pixels;
  std::int32_t width;
  std::int32_t height;
};

/// Bilinear between pixel centres, which have whole coordinates; outside, the nearest edge.
void sample_row(
    Plane plane, float const* at_x, float const* at_y, float* out, std::int64_t count);

/// v * factor + offset, in place.
void scale_and_add(std::span<float> values, float factor, float offset);

/// v^exponent where v > 0, v itself elsewhere; relative error below 4e-6 for exponents of 1/4
/// … 4.
void raise_to(std::span<float> values, float exponent);

/// Adds Gaussian noise: sixteen xoshiro128++ streams (Blackman and Vigna 2021) seeded by the
/// key, Box-Muller with polynomials (absolute error of a standard normal below 4e-6). Values
/// beyond 6.6 deviations do not occur.
void add_normal(std::span<float> values, float deviation, std::uint64_t key);

/// Mean in double precision; 0 of nothing.
double mean_of(std::span<float const> values);

}  // namespace fovea
