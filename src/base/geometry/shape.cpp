#include "base/geometry/shape.hpp"

#include "base/geometry/components.hpp"
#include "base/geometry/same_grid.hpp"
#include "base/geometry/surface_area.hpp"
#include "base/geometry/surface_distance.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace fovea {
namespace {

using ShapeMatrix = std::array<std::array<double, 3>, 3>;

// Covariance of the centres in the patient: A C A^T, where C is that in voxels.
ShapeMatrix shape_covariance(Grid const& grid, Marked const& marked) {
  constexpr std::size_t place[3][3] = {{0, 3, 4}, {3, 1, 5}, {4, 5, 2}};
  auto const count = static_cast<double>(marked.voxels);
  ShapeMatrix voxels{}, out{};
  for (std::size_t a = 0; a < 3; ++a) {
    for (std::size_t b = 0; b < 3; ++b)
      voxels[a][b] =
          marked.product[place[a][b]] / count - marked.sum[a] / count * (marked.sum[b] / count);
  }
  for (std::size_t row = 0; row < 3; ++row) {
    for (std::size_t column = 0; column < 3; ++column) {
      for (std::size_t a = 0; a < 3; ++a) {
        for (std::size_t b = 0; b < 3; ++b)
          out[row][column] += grid.axes[a].mm[row] * voxels[a][b] * grid.axes[b].mm[column];
      }
    }
  }
  return out;
}

// One of Jacobi's rotations: makes m[p][q] 0.
void shape_rotate(ShapeMatrix& m, std::size_t p, std::size_t q) {
  if (m[p][q] == 0) return;
  auto const slope = (m[q][q] - m[p][p]) / (2 * m[p][q]);
  auto const t = std::copysign(1.0, slope) / (std::abs(slope) + std::sqrt(slope * slope + 1));
  auto const c = 1 / std::sqrt(t * t + 1);
  auto const s = t * c;
  for (std::size_t n = 0; n < 3; ++n) {
    auto const a = m[n][p], b = m[n][q];
    m[n][p] = c * a - s * b;
    m[n][q] = s * a + c * b;
  }
  for (std::size_t n = 0; n < 3; ++n) {
    auto const a = m[p][n], b = m[q][n];
    m[p][n] = c * a - s * b;
    m[q][n] = s * a + c * b;
  }
}

// Of a symmetric matrix, the largest first.
std::array<double, 3> shape_eigenvalues(ShapeMatrix m) {
  constexpr int sweeps = 30;  // far more than three rows ever take
  for (int sweep = 0; sweep < sweeps; ++sweep) {
    shape_rotate(m, 0, 1);
    shape_rotate(m, 0, 2);
    shape_rotate(m, 1, 2);
  }
  std::array values{m[0][0], m[1][1], m[2][2]};
  std::ranges::sort(values, std::greater{});
  return values;
}

void shape_spread(SegmentShape& shape, Grid const& grid, Marked const& marked) {
  auto const values = shape_eigenvalues(shape_covariance(grid, marked));
  // What rounding left of a 0 is no spread.
  auto const least = 1e-12 * std::max(values[0], 0.0);
  for (std::size_t n = 0; n < 3; ++n)
    shape.spread_mm[n] = values[n] > least ? std::sqrt(values[n]) : 0;
  if (marked.voxels < 2 || shape.spread_mm[0] == 0) return;
  shape.elongation = shape.spread_mm[1] / shape.spread_mm[0];
  shape.flatness = shape.spread_mm[2] / shape.spread_mm[0];
}

}  // namespace

SegmentShape shape_of(Volume const& labels, Marked const& marked, int threads) {
  auto const& grid = labels.grid();
  auto const mask = mask_within(labels, marked.value, marked.box);
  SegmentShape out;
  out.voxels = marked.voxels;
  out.volume_mm3 = static_cast<double>(marked.voxels) * voxel_mm3(grid);
  out.surface_mm2 = surface_area_mm2(mask, threads);
  out.components = static_cast<std::int64_t>(component_list(mask, {.threads = threads}).size());
  for (std::size_t n = 0; n < 3; ++n)
    out.centre_ijk.ijk[n] = marked.sum[n] / static_cast<double>(marked.voxels);
  out.centre = grid.point_of(out.centre_ijk);
  out.box = marked.box;
  out.extent = world_box(mask.grid());
  out.longest = longest_diameter(mask);
  out.axis = axial_axis(grid);
  out.axial = slice_diameters(mask, out.axis);
  out.axial.slice += marked.box.first[out.axis];
  shape_spread(out, grid, marked);
  return out;
}

Intensities intensities_of(Volume const& image, Volume const& labels, Marked const& marked) {
  expect_same_places(labels.grid(), image.grid(), "the mask and the image");
  auto const mask = mask_within(labels, marked.value, marked.box);
  auto const marks = mask.as<std::uint8_t>();
  Intensities out;
  std::vector<double> values;
  values.reserve(static_cast<std::size_t>(marked.voxels));
  with_type(image.type(), [&](auto zero) {
    auto const voxels = image.channel<decltype(zero)>(0);
    std::size_t at = 0;
    for (std::int64_t k = 0; k < mask.depth(); ++k) {
      for (std::int64_t j = 0; j < mask.height(); ++j) {
        auto const row =
            ((k + marked.box.first[2]) * image.height() + j + marked.box.first[1]) *
                image.width() +
            marked.box.first[0];
        for (std::int64_t i = 0; i < mask.width(); ++i) {
          if (marks[at++] == 0) continue;
          auto const value = static_cast<double>(voxels[static_cast<std::size_t>(row + i)]);
          if (std::isfinite(value))
            values.push_back(value);
          else
            ++out.left_out;
        }
      }
    }
  });
  out.voxels = static_cast<std::int64_t>(values.size());
  if (values.empty()) return out;
  auto const count = static_cast<double>(values.size());
  for (auto const value : values) out.mean += value;
  out.mean /= count;
  double squares = 0;
  for (auto const value : values) squares += (value - out.mean) * (value - out.mean);
  out.deviation = std::sqrt(squares / count);
  auto const [least, most] = std::ranges::minmax(values);
  out.least = least;
  out.most = most;
  for (auto const& [percent, to] :
       {std::pair{5.0, &out.p5}, std::pair{25.0, &out.p25}, std::pair{50.0, &out.median},
        std::pair{75.0, &out.p75}, std::pair{95.0, &out.p95}})
    *to = percentile_of(values, percent);
  return out;
}

}  // namespace fovea
