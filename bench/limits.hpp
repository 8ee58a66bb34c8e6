#pragma once

#include "base/core/vectors.hpp"

#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <vector>

namespace fovea {

constexpr std::int64_t limits_sums = 16;  // more than a unit has under way

// 2 * lanes * limits_sums operations a round.
template <int lanes>
[[gnu::always_inline]] inline void limits_add(float* out, std::int64_t rounds) {
  typedef float V __attribute__((vector_size(lanes * 4)));
  V sums[limits_sums];
  for (std::int64_t n = 0; n < limits_sums; ++n) sums[n] = V{} + static_cast<float>(n);
  V const factor = V{} + 0.999F, more = V{} + 1e-3F;
  for (std::int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 16
    for (std::int64_t n = 0; n < limits_sums; ++n) sums[n] = sums[n] * factor + more;
  }
  V all{};
  for (std::int64_t n = 0; n < limits_sums; ++n) all += sums[n];
  std::memcpy(out, &all, sizeof(all));
}

/// Fastest of some rounds of `work` by all threads, seconds.
template <class Work>
double limits_seconds(Work const& work) {
  constexpr int rounds = 8;
  auto best = 1e9;
  for (int round = 0; round < rounds; ++round) {
    auto const begin = std::chrono::steady_clock::now();
    at::parallel_for(0, at::get_num_threads(), 1, [&](std::int64_t from, std::int64_t to) {
      for (auto thread = from; thread < to; ++thread) work(thread);
    });
    std::chrono::duration<double> const took = std::chrono::steady_clock::now() - begin;
    best = std::min(best, took.count());
  }
  return best;
}

/// Multiply-adds of float32 that the threads do at most, GFLOP/s.
inline double most_gflops() {
  constexpr std::int64_t rounds = 4'000'000;
  auto const wide = vectors::width() == vectors::Width::avx512;
  std::int64_t const lanes = wide ? 16 : 8;
  std::vector<float> out(static_cast<std::size_t>(at::get_num_threads()) * 16);
  auto const seconds = limits_seconds([&](std::int64_t thread) {
    auto* const to = out.data() + thread * 16;
    if (wide)
      vectors::avx512<limits_add<16>>(to, rounds);
    else if (vectors::width() == vectors::Width::avx2)
      vectors::avx2<limits_add<8>>(to, rounds);
    else
      vectors::any<limits_add<8>>(to, rounds);
  });
  return 1e-9 * static_cast<double>(2 * lanes * limits_sums * rounds * at::get_num_threads()) /
         seconds;
}

/// What the threads read and write of memory when they copy, GB/s.
inline double most_gigabytes() {
  constexpr std::size_t bytes = std::size_t{1} << 27;
  auto const threads = static_cast<std::size_t>(at::get_num_threads());
  std::vector<std::byte> from(threads * bytes), to(threads * bytes);
  auto const seconds = limits_seconds([&](std::int64_t thread) {
    auto const at = static_cast<std::size_t>(thread) * bytes;
    std::memcpy(to.data() + at, from.data() + at, bytes);
  });
  return 1e-9 * static_cast<double>(2 * threads * bytes) / seconds;
}

}  // namespace fovea
