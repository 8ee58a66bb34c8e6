#include "base/geometry/same_grid.hpp"

#include "base/core/error.hpp"
#include "base/geometry/grids.hpp"

#include <algorithm>
#include <cmath>

namespace fovea {

std::optional<double> apart_mm(Grid const& a, Grid const& b) {
  if (a.size != b.size) return std::nullopt;
  double most = 0;
  // Both lead from indices to places by affine maps, so the furthest is at a corner.
  for (unsigned corner = 0; corner < 8; ++corner) {
    Index at;
    for (std::size_t axis = 0; axis < 3; ++axis)
      at.ijk[axis] = (corner >> axis & 1U) != 0 ? static_cast<double>(a.size[axis] - 1) : 0;
    auto const one = a.point_of(at).mm;
    auto const other = b.point_of(at).mm;
    most = std::max(most, std::hypot(one[0] - other[0], one[1] - other[1], one[2] - other[2]));
  }
  return most;
}

bool same_places(Grid const& a, Grid const& b) {
  constexpr auto share = 0.01;
  auto const apart = apart_mm(a, b);
  auto const spacing = a.spacing().mm;
  return apart && *apart <= share * *std::ranges::min_element(spacing);
}

std::optional<std::array<std::int64_t, 3>> offset_in(Grid const& whole, Grid const& part) {
  constexpr double most = 1e9;  // voxels: beyond it is no other part of one image
  auto const first = index_of(whole, part.origin).ijk;
  std::array<std::int64_t, 3> offset{};
  Index rounded;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    if (!(std::abs(first[axis]) < most)) return std::nullopt;
    rounded.ijk[axis] = std::round(first[axis]);
    offset[axis] = static_cast<std::int64_t>(rounded.ijk[axis]);
  }
  Grid const ideal{part.size, whole.point_of(rounded), whole.axes};
  return same_places(ideal, part) ? std::optional{offset} : std::nullopt;
}

void expect_same_places(Grid const& a, Grid const& b, std::string_view names) {
  if (same_places(a, b)) return;
  auto const apart = apart_mm(a, b);
  auto const& one = a.size;
  auto const& other = b.size;
  throw Error{
      Fault::input,
      apart ? text("expected ", names, " on the same grid, got voxels that are up to ", *apart,
                   " mm apart")
            : text("expected ", names, " on the same grid, got ", one[0], " x ", one[1], " x ",
                   one[2], " and ", other[0], " x ", other[1], " x ", other[2], " voxels"),
      "bring one onto the other's grid: fovea convert IN OUT --like OTHER (a mask with "
      "--interpolation nearest)"};
}

}  // namespace fovea
