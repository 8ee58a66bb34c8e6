#include "base/image/grid.hpp"

#include "base/image/vector3.hpp"

#include <cmath>

namespace fovea {
namespace {}  // namespace

Point Grid::point_of(Index index) const {
  Point point = origin;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    for (std::size_t row = 0; row < 3; ++row)
      point.mm[row] += axes[axis].mm[row] * index.ijk[axis];
  }
  return point;
}

Spacing Grid::spacing() const {
  Spacing spacing;
  for (std::size_t axis = 0; axis < 3; ++axis) spacing.mm[axis] = length_of(axes[axis].mm);
  return spacing;
}

bool Grid::sheared() const {
  constexpr double sine_of_tolerance = 1.7453e-4;
  auto const along = spacing().mm;
  auto const off = [&](std::size_t a, std::size_t b) {
    return std::abs(dot(axes[a].mm, axes[b].mm)) > sine_of_tolerance * along[a] * along[b];
  };
  return off(0, 1) || off(0, 2) || off(1, 2);
}

Grid upright(std::array<std::int64_t, 3> size, Spacing spacing, Point origin) {
  Grid grid{.size = size, .origin = origin};
  for (std::size_t axis = 0; axis < 3; ++axis) grid.axes[axis].mm[axis] = spacing.mm[axis];
  return grid;
}

}  // namespace fovea
