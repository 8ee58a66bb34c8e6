#include "base/geometry/affine.hpp"

#include "base/core/error.hpp"
#include "base/image/vector3.hpp"

#include <cmath>

namespace fovea {
namespace {

Vector3 affine_column(Affine const& affine, std::size_t column) {
  return {affine.matrix[0][column], affine.matrix[1][column], affine.matrix[2][column]};
}

Vector3 affine_turned(Affine const& affine, Vector3 const& vector) {
  return {dot(affine.matrix[0], vector), dot(affine.matrix[1], vector),
          dot(affine.matrix[2], vector)};
}

}  // namespace

Point Affine::operator()(Point point) const {
  auto out = affine_turned(*this, point.mm);
  for (std::size_t row = 0; row < 3; ++row) out[row] += offset[row];
  return {out};
}

Affine composed(Affine const& first, Affine const& then) {
  Affine out;
  for (std::size_t column = 0; column < 3; ++column) {
    auto const turned = affine_turned(then, affine_column(first, column));
    for (std::size_t row = 0; row < 3; ++row) out.matrix[row][column] = turned[row];
  }
  out.offset = then({first.offset}).mm;
  return out;
}

Affine inverse(Affine const& affine) {
  auto const a = affine_column(affine, 0);
  auto const b = affine_column(affine, 1);
  auto const c = affine_column(affine, 2);
  std::array const rows{cross(b, c), cross(c, a), cross(a, b)};
  auto const volume = dot(a, rows[0]);
  constexpr auto flat = 1e-12;
  if (!(std::abs(volume) > flat * length_of(a) * length_of(b) * length_of(c)) ||
      !std::isfinite(volume) || !std::isfinite(length_of(affine.offset)))
    throw Error{Fault::input,
                text("expected an affine map with a way back, got one of determinant ", volume),
                "check the matrix; its rows stand one after another"};
  Affine out;
  for (std::size_t row = 0; row < 3; ++row) {
    for (std::size_t column = 0; column < 3; ++column)
      out.matrix[row][column] = rows[row][column] / volume;
  }
  auto const back = affine_turned(out, affine.offset);
  for (std::size_t row = 0; row < 3; ++row) out.offset[row] = -back[row];
  return out;
}

Grid moved(Grid const& grid, Affine const& affine) {
  auto out = grid;
  out.origin = affine(grid.origin);
  for (auto& axis : out.axes) axis.mm = affine_turned(affine, axis.mm);
  return out;
}

}  // namespace fovea
