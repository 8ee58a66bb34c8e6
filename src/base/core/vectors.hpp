#pragma once

#include <cpuid.h>

namespace fovea {

// A body is always inlined, so that it is compiled for the target of the function around it.
// target_clones would do the same with less text, but its resolver runs before the thread
// sanitizer does, and crashes.
namespace vectors {
template <auto body, class... In>
[[gnu::target("arch=x86-64-v4")]] void avx512(In... in) {
  body(in...);
}
template <auto body, class... In>
[[gnu::target("arch=x86-64-v3")]] void avx2(In... in) {
  body(in...);
}
template <auto body, class... In>
void any(In... in) {
  body(in...);
}

enum class Width { any, avx2, avx512 };

inline Width width() {
  static Width const widest = [] {
    auto const wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd");
    auto const middle = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                        __builtin_cpu_supports("bmi2");
    return wide && middle ? Width::avx512 : middle ? Width::avx2 : Width::any;
  }();
  return widest;
}

/// Whether the CPU has units for products of bfloat16 matrices (AMX), and the system lets
/// programs use them.
inline bool matrices() {
  static bool const has = [] {
    constexpr unsigned os_saves = 1U << 27U, tiles = 1U << 24U, bfloat16 = 1U << 22U;
    constexpr unsigned tile_state = 3U << 17U;
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & os_saves) == 0) return false;
    unsigned low = 0, high = 0;
    asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low & tile_state) != tile_state) return false;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (d & tiles) != 0 &&
           (d & bfloat16) != 0;
  }();
  return has;
}
}  // namespace vectors

/// Runs a function with vectors of this width, at most what the CPU has: `wide` with 512 bits,
/// else `narrow`. Both must be marked [[gnu::always_inline]], with all that they call in their
/// loops: these are what is compiled for each width.
template <auto wide, auto narrow, class... In>
void with_vectors(vectors::Width width, In... in) {
  switch (width) {
    case vectors::Width::avx512:
      return vectors::avx512<wide>(in...);
    case vectors::Width::avx2:
      return vectors::avx2<narrow>(in...);
    case vectors::Width::any:
      return vectors::any<narrow>(in...);
  }
}

/// One function with the widest vectors that this CPU has.
template <auto body, class... In>
void with_widest_vectors(In... in) {
  with_vectors<body, body>(vectors::width(), in...);
}

}  // namespace fovea
