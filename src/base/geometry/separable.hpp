#pragma once

#include "base/geometry/band.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace fovea {

/// A band along each axis of the output, over an axis of the input each.
struct Separable {
  std::array<std::size_t, 3> from{0, 1, 2};
  std::array<Band, 3> bands;
  std::array<std::int64_t, 3> corner{};  ///< of the input: the voxel that the bands call 0
};

/// Fills `out`, in which every number is computed as float or, if the input's type needs it, as
/// double. Each thread holds a few rows of as many slices as a place takes, no more.
void run_separable(
    Volume const& in, Separable const& plan, double outside, Volume& out, int threads);

/// Whether float holds every value of a type.
constexpr bool fits_float(Type type) {
  return type <= Type::i16 || type == Type::f32;
}

}  // namespace fovea
