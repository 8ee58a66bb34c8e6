#pragma once

#include <cmath>
#include <limits>
#include <type_traits>

namespace fovea {

/// The nearest number that T holds: halves away from 0, beyond its range its end. Floats as
/// they are.
template <class T, class A>
[[gnu::always_inline]] inline T rounded_to(A value) {
  if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(value);
  } else {
    constexpr auto least = static_cast<A>(std::numeric_limits<T>::min());
    constexpr auto most = static_cast<A>(std::numeric_limits<T>::max());
    auto whole = std::trunc(value);
    // Not trunc(value + 0.5): the largest float below a half would become 1.
    whole += std::abs(value - whole) >= A(0.5) ? std::copysign(A(1), value) : A(0);
    if (whole >= most) return std::numeric_limits<T>::max();
    if (!(whole > least)) return std::numeric_limits<T>::min();
    return static_cast<T>(whole);
  }
}

}  // namespace fovea
