#pragma once

#include "base/image/grid.hpp"

#include <array>

namespace fovea {

/// A linear map of places in the patient: matrix * place + offset, LPS, mm.
struct Affine {
  std::array<std::array<double, 3>, 3> matrix{{{{1, 0, 0}}, {{0, 1, 0}}, {{0, 0, 1}}}};
  std::array<double, 3> offset{};

  Point operator()(Point point) const;
  bool operator==(Affine const&) const = default;
};

/// First one, then the other.
Affine composed(Affine const& first, Affine const& then);

/// The way back. Throws Error{input} if there is none: a number that is not finite, or a matrix
/// that presses space flat (determinant below 1e-12 of the product of its columns' lengths).
Affine inverse(Affine const& affine);

/// A grid whose voxels an affine map has moved: voxel (i, j, k) lies at affine(where it was).
Grid moved(Grid const& grid, Affine const& affine);

}  // namespace fovea
