#include "learn/kernel/relu_max_pool.hpp"

#include "base/core/vectors.hpp"

#include <algorithm>

namespace fovea {
namespace {

// So many channels at once: their running values stay in the first-level cache.
constexpr std::int64_t pool_lane = 64;

template <class T>
[[gnu::always_inline]] inline void pool_largest(T const* in,
                                                std::int32_t place,
                                                float* __restrict best,
                                                std::int32_t* __restrict at,
                                                std::int64_t count) {
  for (std::int64_t c = 0; c < count; ++c) {
    auto const value = widened(in[c]);
    auto const better = (value > best[c]) | (value != value);
    best[c] = better ? value : best[c];
    at[c] = better ? place : at[c];
  }
}

template <class T>
[[gnu::always_inline]] inline void pool_row(
    ReluMaxPool const* p, T const* in, T* out, std::uint8_t* where, std::int64_t row) {
  auto const top = row % p->out_height * p->stride[0] - p->padding[0];
  auto const* const image = in + row / p->out_height * p->height * p->width * p->channels;
  float best[pool_lane];
  std::int32_t at[pool_lane];
  for (std::int64_t i = 0; i < p->out_width; ++i) {
    auto const left = i * p->stride[1] - p->padding[1];
    auto const to = (row * p->out_width + i) * p->channels;
    for (std::int64_t begin = 0; begin < p->channels; begin += pool_lane) {
      auto const count = std::min(pool_lane, p->channels - begin);
      std::fill_n(best, count, 0.0F);
      std::fill_n(at, count, ReluMaxPool::nowhere);
      for (std::int64_t j = 0; j < p->kernel[0]; ++j) {
        auto const y = top + j;
        if (y < 0 || y >= p->height) continue;
        for (std::int64_t k = 0; k < p->kernel[1]; ++k) {
          auto const x = left + k;
          if (x < 0 || x >= p->width) continue;
          pool_largest(image + (y * p->width + x) * p->channels + begin,
                       static_cast<std::int32_t>(j * p->kernel[1] + k), best, at, count);
        }
      }
      for (std::int64_t c = 0; c < count; ++c) out[to + begin + c] = narrowed<T>(best[c]);
      for (std::int64_t c = 0; c < count; ++c)
        where[to + begin + c] = static_cast<std::uint8_t>(at[c]);
    }
  }
}

template <class T>
[[gnu::always_inline]] inline void pool_rows(ReluMaxPool const* p,
                                             T const* in,
                                             T* out,
                                             std::uint8_t* where,
                                             std::int64_t begin,
                                             std::int64_t end) {
  for (auto row = begin; row < end; ++row) pool_row(p, in, out, where, row);
}

template <class T>
[[gnu::always_inline]] inline void pool_taken(T const* gradient,
                                              std::uint8_t const* where,
                                              std::int32_t place,
                                              float* __restrict sum,
                                              std::int64_t count) {
  for (std::int64_t c = 0; c < count; ++c)
    sum[c] += where[c] == place ? widened(gradient[c]) : 0.0F;
}

// Windows that hold the place `at`: those that begin at first * stride ... last * stride.
struct PoolWindows {
  std::int64_t first, last;
};
[[gnu::always_inline]] inline PoolWindows pool_windows(std::int64_t at,
                                                       std::int64_t kernel,
                                                       std::int64_t stride,
                                                       std::int64_t count) {
  auto const first = at < kernel ? 0 : (at - kernel) / stride + 1;
  return {first, std::min(at / stride, count - 1)};
}

template <class T>
[[gnu::always_inline]] inline void pool_back_row(ReluMaxPool const* p,
                                                 T const* gradient,
                                                 std::uint8_t const* where,
                                                 T* out,
                                                 std::int64_t row) {
  auto const y = row % p->height + p->padding[0];
  auto const down = pool_windows(y, p->kernel[0], p->stride[0], p->out_height);
  auto const image = row / p->height * p->out_height;
  float sum[pool_lane];
  for (std::int64_t i = 0; i < p->width; ++i) {
    auto const x = i + p->padding[1];
    auto const across = pool_windows(x, p->kernel[1], p->stride[1], p->out_width);
    auto* const to = out + (row * p->width + i) * p->channels;
    for (std::int64_t begin = 0; begin < p->channels; begin += pool_lane) {
      auto const count = std::min(pool_lane, p->channels - begin);
      std::fill_n(sum, count, 0.0F);
      for (auto j = down.first; j <= down.last; ++j) {
        for (auto k = across.first; k <= across.last; ++k) {
          auto const from = ((image + j) * p->out_width + k) * p->channels + begin;
          auto const place = (y - j * p->stride[0]) * p->kernel[1] + x - k * p->stride[1];
          pool_taken(gradient + from, where + from, static_cast<std::int32_t>(place), sum,
                     count);
        }
      }
      for (std::int64_t c = 0; c < count; ++c) to[begin + c] = narrowed<T>(sum[c]);
    }
  }
}

template <class T>
[[gnu::always_inline]] inline void pool_back_rows(ReluMaxPool const* p,
                                                  T const* gradient,
                                                  std::uint8_t const* where,
                                                  T* out,
                                                  std::int64_t begin,
                                                  std::int64_t end) {
  for (auto row = begin; row < end; ++row) pool_back_row(p, gradient, where, out, row);
}

}  // namespace

template <class T>
void ReluMaxPool::forward(
    T const* in, T* out, std::uint8_t* where, std::int64_t begin, std::int64_t end) const {
  with_widest_vectors<pool_rows<T>>(this, in, out, where, begin, end);
}

template <class T>
void ReluMaxPool::backward(T const* gradient,
                           std::uint8_t const* where,
                           T* out,
                           std::int64_t begin,
                           std::int64_t end) const {
  with_widest_vectors<pool_back_rows<T>>(this, gradient, where, out, begin, end);
}

template void ReluMaxPool::forward(
    float const*, float*, std::uint8_t*, std::int64_t, std::int64_t) const;
template void ReluMaxPool::forward(
    BFloat16 const*, BFloat16*, std::uint8_t*, std::int64_t, std::int64_t) const;
template void ReluMaxPool::backward(
    float const*, std::uint8_t const*, float*, std::int64_t, std::int64_t) const;
template void ReluMaxPool::backward(
    BFloat16 const*, std::uint8_t const*, BFloat16*, std::int64_t, std::int64_t) const;

}  // namespace fovea
