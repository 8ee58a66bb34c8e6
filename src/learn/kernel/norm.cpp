#include "learn/kernel/norm.hpp"

#include "base/core/vectors.hpp"

#include <algorithm>

namespace fovea {
namespace {

// Adds what `at` gives for each value of some rows, two numbers, to the sums of its channel:
// the rows first among each other, so that the sums in memory are read and written less often.
template <std::int64_t rows, class At>
[[gnu::always_inline]] inline void norm_add_rows(std::int64_t row,
                                                 std::int64_t channels,
                                                 float* __restrict sums,
                                                 At const& at) {
  for (std::int64_t c = 0; c < channels; ++c) {
    float one = 0, two = 0;
    for (std::int64_t r = 0; r < rows; ++r) at((row + r) * channels + c, c, one, two);
    sums[c] += one;
    sums[channels + c] += two;
  }
}

template <class At>
[[gnu::always_inline]] inline void norm_sums(std::int64_t channels,
                                             float* __restrict sums,
                                             std::int64_t begin,
                                             std::int64_t end,
                                             At const& at) {
  constexpr std::int64_t at_once = 4;
  std::fill_n(sums, 2 * channels, 0.0F);
  auto row = begin;
  for (; row + at_once <= end; row += at_once) norm_add_rows<at_once>(row, channels, sums, at);
  for (; row < end; ++row) norm_add_rows<1>(row, channels, sums, at);
}

template <class T>
[[gnu::always_inline]] inline void norm_moments(ChannelNorm const* n,
                                                T const* x,
                                                float const* about,
                                                float* sums,
                                                std::int64_t begin,
                                                std::int64_t end) {
  norm_sums(
      n->channels, sums, begin, end,
      [=](std::int64_t here, std::int64_t c, float& one, float& two)
          __attribute__((always_inline)) {
            auto const value = widened(x[here]) - about[c];
            one += value;
            two += value * value;
          });
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
                                                         float* sums,
                                                         T* __restrict masked,
                                                         std::int64_t begin,
                                                         std::int64_t end) {
  norm_sums(
      n->channels, sums, begin, end,
      [=](std::int64_t here, std::int64_t c, float& one, float& two)
          __attribute__((always_inline)) {
            auto const g = norm_passed<T, relu>(gradient, y, here);
            if constexpr (keeps) masked[here] = narrowed<T>(g);
            one += g;
            two += g * (widened(x[here]) - mean[c]);
          });
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
