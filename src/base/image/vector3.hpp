#pragma once

#include <array>
#include <cmath>

namespace fovea {

/// A direction or a difference of places, along x, y and z.
using Vector3 = std::array<double, 3>;

inline double dot(Vector3 const& a, Vector3 const& b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}
inline Vector3 cross(Vector3 const& a, Vector3 const& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}
inline Vector3 difference(Vector3 const& a, Vector3 const& b) {
  return {a[0] - b[0], a[1] - b[1], a[2] - b[2]};
}
inline double length_of(Vector3 const& a) {
  return std::sqrt(dot(a, a));
}

}  // namespace fovea
