#include "learn/kernel/norm.hpp"

#include "base/core/vectors.hpp"

#include <algorithm>

namespace fovea {
namespace {

// Rows whose sums are taken before they are added to those in memory.
constexpr std::int64_t norm_rows = 4;

template <class T>
[[gnu::always_inline]] inline void norm_moments(ChannelNorm const* n,
                                                T const* x,
                                                float const* about,
                                                float* __restrict sums,
                                                std::int64_t begin,
                                                std::int64_t end) {
  auto const channels = n->channels;
  auto* const __restrict first = sums;
  auto* const __restrict second = sums + channels;
  std::fill_n(sums, 2 * channels, 0.0F);
  auto row = begin;
  for (; row + norm_rows <= end; row += norm_rows) {
    auto const* const at = x + row * channels;
    for (std::int64_t c = 0; c < channels; ++c) {
      float one = 0, two = 0;
      for (std::int64_t r = 0; r < norm_rows; ++r) {
        auto const value = widened(at[r * channels + c]) - about[c];
        one += value;
        two += value * value;
      }
      first[c] += one;
      second[c] += two;
    }
  }
  for (; row < end; ++row) {
    auto const* const at = x + row * channels;
    for (std::int64_t c = 0; c < channels; ++c) {
      auto const value = widened(at[c]) - about[c];
      first[c] += value;
      second[c] += value * value;
    }
  }
}

template <class T, bool relu, bool sum>
[[gnu::always_inline]] inline void norm_forward(ChannelNorm const* n,
                                                T const* x,
                                                T const* other,
                                                float const* scale,
                                                float const* offset,
                                                T* __restrict y,
                                                std::int64_t begin,
                                                std::int64_t end) {
  auto const channels = n->channels;
  for (auto row = begin; row < end; ++row) {
    auto const at = row * channels;
    for (std::int64_t c = 0; c < channels; ++c) {
      auto value = widened(x[at + c]) * scale[c] + offset[c];
      if constexpr (sum) value += widened(other[at + c]);
      // What is not a number stays that, so that the loss shows it.
      if constexpr (relu) value = value < 0 ? 0.0F : value;
      y[at + c] = narrowed<T>(value);
    }
  }
}

template <class T, bool relu>
[[gnu::always_inline]] inline float norm_passed(T const* gradient,
                                                T const* y,
                                                std::int64_t at) {
  auto const g = widened(gradient[at]);
  if constexpr (relu) return widened(y[at]) > 0 ? g : 0.0F;
  return g;
}

template <class T, bool relu, bool keeps>
[[gnu::always_inline]] inline void norm_gradient_moments(ChannelNorm const* n,
                                                         T const* gradient,
                                                         T const* x,
                                                         T const* y,
                                                         float const* mean,
                                                         float* __restrict sums,
                                                         T* __restrict masked,
                                                         std::int64_t begin,
                                                         std::int64_t end) {
  auto const channels = n->channels;
  auto* const __restrict first = sums;
  auto* const __restrict second = sums + channels;
  std::fill_n(sums, 2 * channels, 0.0F);
  auto row = begin;
  for (; row + norm_rows <= end; row += norm_rows) {
    auto const at = row * channels;
    for (std::int64_t c = 0; c < channels; ++c) {
      float one = 0, two = 0;
      for (std::int64_t r = 0; r < norm_rows; ++r) {
        auto const here = at + r * channels + c;
        auto const g = norm_passed<T, relu>(gradient, y, here);
        if constexpr (keeps) masked[here] = narrowed<T>(g);
        one += g;
        two += g * (widened(x[here]) - mean[c]);
      }
      first[c] += one;
      second[c] += two;
    }
  }
  for (; row < end; ++row) {
    auto const at = row * channels;
    for (std::int64_t c = 0; c < channels; ++c) {
      auto const g = norm_passed<T, relu>(gradient, y, at + c);
      if constexpr (keeps) masked[at + c] = narrowed<T>(g);
      first[c] += g;
      second[c] += g * (widened(x[at + c]) - mean[c]);
    }
  }
}

template <class T, bool relu>
[[gnu::always_inline]] inline void norm_backward(ChannelNorm const* n,
                                                 T const* gradient,
                                                 T const* x,
                                                 T const* y,
                                                 float const* mean,
                                                 float const* by_gradient,
                                                 float const* by_value,
                                                 float const* offset,
                                                 T* __restrict out,
                                                 std::int64_t begin,
                                                 std::int64_t end) {
  auto const channels = n->channels;
  for (auto row = begin; row < end; ++row) {
    auto const at = row * channels;
    for (std::int64_t c = 0; c < channels; ++c) {
      auto const g = norm_passed<T, relu>(gradient, y, at + c);
      out[at + c] = narrowed<T>(g * by_gradient[c] +
                                (widened(x[at + c]) - mean[c]) * by_value[c] + offset[c]);
    }
  }
}

}  // namespace

template <class T>
void ChannelNorm::moments(
    T const* x, float const* about, float* sums, std::int64_t begin, std::int64_t end) const {
  with_widest_vectors<norm_moments<T>>(this, x, about, sums, begin, end);
}

template <class T>
void ChannelNorm::forward(T const* x,
                          T const* other,
                          float const* scale,
                          float const* offset,
                          T* y,
                          std::int64_t begin,
                          std::int64_t end) const {
  if (relu && other != nullptr)
    return with_widest_vectors<norm_forward<T, true, true>>(this, x, other, scale, offset, y,
                                                            begin, end);
  if (relu)
    return with_widest_vectors<norm_forward<T, true, false>>(this, x, other, scale, offset, y,
                                                             begin, end);
  if (other != nullptr)
    return with_widest_vectors<norm_forward<T, false, true>>(this, x, other, scale, offset, y,
                                                             begin, end);
  with_widest_vectors<norm_forward<T, false, false>>(this, x, other, scale, offset, y, begin,
                                                     end);
}

template <class T>
void ChannelNorm::gradient_moments(T const* gradient,
                                   T const* x,
                                   T const* y,
                                   float const* mean,
                                   float* sums,
                                   T* masked,
                                   std::int64_t begin,
                                   std::int64_t end) const {
  if (relu && masked != nullptr)
    return with_widest_vectors<norm_gradient_moments<T, true, true>>(this, gradient, x, y, mean,
                                                                     sums, masked, begin, end);
  if (relu)
    return with_widest_vectors<norm_gradient_moments<T, true, false>>(
        this, gradient, x, y, mean, sums, masked, begin, end);
  with_widest_vectors<norm_gradient_moments<T, false, false>>(this, gradient, x, y, mean, sums,
                                                              masked, begin, end);
}

template <class T>
void ChannelNorm::backward(T const* gradient,
                           T const* x,
                           T const* y,
                           float const* mean,
                           float const* by_gradient,
                           float const* by_value,
                           float const* offset,
                           T* out,
                           std::int64_t begin,
                           std::int64_t end) const {
  if (relu)
    return with_widest_vectors<norm_backward<T, true>>(this, gradient, x, y, mean, by_gradient,
                                                       by_value, offset, out, begin, end);
  with_widest_vectors<norm_backward<T, false>>(this, gradient, x, y, mean, by_gradient,
                                               by_value, offset, out, begin, end);
}

template void ChannelNorm::moments(
    float const*, float const*, float*, std::int64_t, std::int64_t) const;
template void ChannelNorm::moments(
    BFloat16 const*, float const*, float*, std::int64_t, std::int64_t) const;
template void ChannelNorm::forward(float const*,
                                   float const*,
                                   float const*,
                                   float const*,
                                   float*,
                                   std::int64_t,
                                   std::int64_t) const;
template void ChannelNorm::forward(BFloat16 const*,
                                   BFloat16 const*,
                                   float const*,
                                   float const*,
                                   BFloat16*,
                                   std::int64_t,
                                   std::int64_t) const;
template void ChannelNorm::gradient_moments(float const*,
                                            float const*,
                                            float const*,
                                            float const*,
                                            float*,
                                            float*,
                                            std::int64_t,
                                            std::int64_t) const;
template void ChannelNorm::gradient_moments(BFloat16 const*,
                                            BFloat16 const*,
                                            BFloat16 const*,
                                            float const*,
                                            float*,
                                            BFloat16*,
                                            std::int64_t,
                                            std::int64_t) const;
template void ChannelNorm::backward(float const*,
                                    float const*,
                                    float const*,
                                    float const*,
                                    float const*,
                                    float const*,
                                    float const*,
                                    float*,
                                    std::int64_t,
                                    std::int64_t) const;
template void ChannelNorm::backward(BFloat16 const*,
                                    BFloat16 const*,
                                    BFloat16 const*,
                                    float const*,
                                    float const*,
                                    float const*,
                                    float const*,
                                    BFloat16*,
                                    std::int64_t,
                                    std::int64_t) const;

}  // namespace fovea
