#include "learn/kernel/sloped_norm.hpp"

#include "base/core/vectors.hpp"

#include <algorithm>

namespace fovea {
namespace {

// Some rows first among each other, so that the sums in memory are read and written less often.
template <class T, std::int64_t at_once>
[[gnu::always_inline]] inline void sloped_add_moments(T const* x,
                                                      float const* about,
                                                      float* __restrict sums,
                                                      std::int64_t channels) {
  for (std::int64_t c = 0; c < channels; ++c) {
    float one = 0, two = 0;
    for (std::int64_t r = 0; r < at_once; ++r) {
      auto const value = widened(x[r * channels + c]) - about[c];
      one += value;
      two += value * value;
    }
    sums[c] += one;
    sums[channels + c] += two;
  }
}

constexpr std::int64_t sloped_at_once = 4;

template <class T>
[[gnu::always_inline]] inline void sloped_moments(
    SlopedNorm const* n, T const* x, float const* about, float* sums, std::int64_t rows) {
  auto const channels = n->channels;
  std::fill_n(sums, 2 * channels, 0.0F);
  std::int64_t row = 0;
  for (; row + sloped_at_once <= rows; row += sloped_at_once)
    sloped_add_moments<T, sloped_at_once>(x + row * channels, about, sums, channels);
  for (; row < rows; ++row) sloped_add_moments<T, 1>(x + row * channels, about, sums, channels);
}

template <class T, bool sum>
[[gnu::always_inline]] inline float sloped_before(T const* x,
                                                  T const* other,
                                                  float const* scale,
                                                  float const* offset,
                                                  std::int64_t at,
                                                  std::int64_t c) {
  auto value = widened(x[at]) * scale[c] + offset[c];
  if constexpr (sum) value += widened(other[at]);
  return value;
}

template <class T, bool sum>
[[gnu::always_inline]] inline void sloped_forward(SlopedNorm const* n,
                                                  T const* x,
                                                  T const* other,
                                                  float const* scale,
                                                  float const* offset,
                                                  T* __restrict y,
                                                  std::int64_t rows) {
  auto const channels = n->channels;
  auto const slope = n->slope;
  for (std::int64_t row = 0; row < rows; ++row) {
    auto const at = row * channels;
    for (std::int64_t c = 0; c < channels; ++c) {
      auto const value = sloped_before<T, sum>(x, other, scale, offset, at + c, c);
      y[at + c] = narrowed<T>(value < 0 ? value * slope : value);
    }
  }
}

template <class T, bool sum, bool keeps, std::int64_t at_once>
[[gnu::always_inline]] inline void sloped_add_rows(SlopedNorm const* n,
                                                   T const* gradient,
                                                   T const* x,
                                                   T const* other,
                                                   float const* scale,
                                                   float const* offset,
                                                   float const* mean,
                                                   float* __restrict sums,
                                                   T* __restrict passed,
                                                   std::int64_t row) {
  auto const channels = n->channels;
  auto const slope = n->slope;
  for (std::int64_t c = 0; c < channels; ++c) {
    float one = 0, two = 0, three = 0;
    for (std::int64_t r = 0; r < at_once; ++r) {
      auto const at = (row + r) * channels + c;
      auto const value = sloped_before<T, sum>(x, other, scale, offset, at, c);
      auto const g = widened(gradient[at]);
      auto const d = value > 0 ? g : g * slope;
      if constexpr (keeps) passed[at] = narrowed<T>(d);
      one += d;
      two += d * (widened(x[at]) - mean[c]);
      three += value > 0 ? 0.0F : g * value;
    }
    sums[c] += one;
    sums[channels + c] += two;
    sums[2 * channels + c] += three;
  }
}

template <class T, bool sum, bool keeps>
[[gnu::always_inline]] inline void sloped_gradient_moments(SlopedNorm const* n,
                                                           T const* gradient,
                                                           T const* x,
                                                           T const* other,
                                                           float const* scale,
                                                           float const* offset,
                                                           float const* mean,
                                                           float* sums,
                                                           T* passed,
                                                           std::int64_t rows) {
  std::fill_n(sums, 3 * n->channels, 0.0F);
  std::int64_t row = 0;
  // Several rows of halves that are written at once would not become vectors.
  constexpr auto at_once = keeps && sizeof(T) < sizeof(float) ? 1 : sloped_at_once;
  for (; row + at_once <= rows; row += at_once)
    sloped_add_rows<T, sum, keeps, at_once>(n, gradient, x, other, scale, offset, mean, sums,
                                            passed, row);
  for (; row < rows; ++row)
    sloped_add_rows<T, sum, keeps, 1>(n, gradient, x, other, scale, offset, mean, sums, passed,
                                      row);
}

template <class T, bool sum>
[[gnu::always_inline]] inline void sloped_backward(SlopedNorm const* n,
                                                   T const* gradient,
                                                   T const* x,
                                                   T const* other,
                                                   float const* scale,
                                                   float const* offset,
                                                   float const* mean,
                                                   float const* by_value,
                                                   float const* plus,
                                                   T* out,
                                                   std::int64_t rows) {
  auto const channels = n->channels;
  auto const slope = n->slope;
  for (std::int64_t row = 0; row < rows; ++row) {
#pragma GCC ivdep
    for (std::int64_t c = 0; c < channels; ++c) {
      auto const at = row * channels + c;
      auto const value = sloped_before<T, sum>(x, other, scale, offset, at, c);
      auto const g = widened(gradient[at]);
      auto const d = value > 0 ? g : g * slope;
      out[at] = narrowed<T>(d * scale[c] + (widened(x[at]) - mean[c]) * by_value[c] + plus[c]);
    }
  }
}

}  // namespace

template <class T>
void SlopedNorm::moments(T const* x, float const* about, float* sums, std::int64_t rows) const {
  with_widest_vectors<sloped_moments<T>>(this, x, about, sums, rows);
}

template <class T>
void SlopedNorm::forward(T const* x,
                         T const* other,
                         float const* scale,
                         float const* offset,
                         T* y,
                         std::int64_t rows) const {
  if (other != nullptr)
    return with_widest_vectors<sloped_forward<T, true>>(this, x, other, scale, offset, y, rows);
  with_widest_vectors<sloped_forward<T, false>>(this, x, other, scale, offset, y, rows);
}

template <class T>
void SlopedNorm::gradient_moments(T const* gradient,
                                  T const* x,
                                  T const* other,
                                  float const* scale,
                                  float const* offset,
                                  float const* mean,
                                  float* sums,
                                  T* passed,
                                  std::int64_t rows) const {
  if (other != nullptr && passed != nullptr)
    return with_widest_vectors<sloped_gradient_moments<T, true, true>>(
        this, gradient, x, other, scale, offset, mean, sums, passed, rows);
  if (other != nullptr)
    return with_widest_vectors<sloped_gradient_moments<T, true, false>>(
        this, gradient, x, other, scale, offset, mean, sums, passed, rows);
  with_widest_vectors<sloped_gradient_moments<T, false, false>>(
      this, gradient, x, other, scale, offset, mean, sums, passed, rows);
}

template <class T>
void SlopedNorm::backward(T const* gradient,
                          T const* x,
                          T const* other,
                          float const* scale,
                          float const* offset,
                          float const* mean,
                          float const* by_value,
                          float const* plus,
                          T* out,
                          std::int64_t rows) const {
  if (other != nullptr)
    return with_widest_vectors<sloped_backward<T, true>>(
        this, gradient, x, other, scale, offset, mean, by_value, plus, out, rows);
  with_widest_vectors<sloped_backward<T, false>>(this, gradient, x, other, scale, offset, mean,
                                                 by_value, plus, out, rows);
}

template void SlopedNorm::moments(float const*, float const*, float*, std::int64_t) const;
template void SlopedNorm::moments(BFloat16 const*, float const*, float*, std::int64_t) const;
template void SlopedNorm::forward(
    float const*, float const*, float const*, float const*, float*, std::int64_t) const;
template void SlopedNorm::gradient_moments(float const*,
                                           float const*,
                                           float const*,
                                           float const*,
                                           float const*,
                                           float const*,
                                           float*,
                                           float*,
                                           std::int64_t) const;
template void SlopedNorm::backward(float const*,
                                   float const*,
                                   float const*,
                                   float const*,
                                   float const*,
                                   float const*,
                                   float const*,
                                   float const*,
                                   float*,
                                   std::int64_t) const;
template void SlopedNorm::forward(BFloat16 const*,
                                  BFloat16 const*,
                                  float const*,
                                  float const*,
                                  BFloat16*,
                                  std::int64_t) const;
template void SlopedNorm::gradient_moments(BFloat16 const*,
                                           BFloat16 const*,
                                           BFloat16 const*,
                                           float const*,
                                           float const*,
                                           float const*,
                                           float*,
                                           BFloat16*,
                                           std::int64_t) const;
template void SlopedNorm::backward(BFloat16 const*,
                                   BFloat16 const*,
                                   BFloat16 const*,
                                   float const*,
                                   float const*,
                                   float const*,
                                   float const*,
                                   float const*,
                                   BFloat16*,
                                   std::int64_t) const;

}  // namespace fovea
