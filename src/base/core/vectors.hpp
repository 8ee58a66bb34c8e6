#pragma once

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
}  // namespace vectors

/// Runs a function with the widest vectors that this CPU has. `body` must be marked
/// [[gnu::always_inline]], with all that it calls in its loops: its loops are what is compiled
/// three times.
template <auto body, class... In>
void with_widest_vectors(In... in) {
  switch (vectors::width()) {
    case vectors::Width::avx512:
      return vectors::avx512<body>(in...);
    case vectors::Width::avx2:
      return vectors::avx2<body>(in...);
    case vectors::Width::any:
      return vectors::any<body>(in...);
  }
}

}  // namespace fovea
