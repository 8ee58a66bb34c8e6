#include "base/geometry/surface_elements.hpp"

#include "base/core/pool.hpp"
#include "base/geometry/distance.hpp"
#include "base/geometry/marked.hpp"
#include "base/geometry/mesh_cell.hpp"
#include "base/geometry/orient.hpp"
#include "base/geometry/same_grid.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <vector>

namespace fovea {
namespace {

using ElementPoint = std::array<double, 3>;

// The middle of a cell's edge, mm.
ElementPoint element_point(std::size_t edge, Spacing const& spacing) {
  auto const [axis, corner] = mesh_edge(edge);
  ElementPoint out{};
  for (unsigned n = 0; n < 3; ++n)
    out[n] = ((corner >> n & 1U) + (n == axis ? 0.5 : 0.0)) * spacing.mm[n];
  return out;
}

double element_triangle(ElementPoint const& a, ElementPoint const& b, ElementPoint const& c) {
  ElementPoint u{}, v{};
  for (std::size_t n = 0; n < 3; ++n) {
    u[n] = b[n] - a[n];
    v[n] = c[n] - a[n];
  }
  return std::hypot(u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2],
                    u[0] * v[1] - u[1] * v[0]) /
         2;
}

// A loop filled by triangles from its `start`th edge on.
double element_fan(MeshLoop const& loop, std::size_t start, Spacing const& spacing) {
  auto const count = loop.edges.size();
  auto const at = [&](std::size_t n) {
    return element_point(loop.edges[(start + n) % count], spacing);
  };
  double area = 0;
  for (std::size_t n = 1; n + 1 < count; ++n) area += element_triangle(at(0), at(n), at(n + 1));
  return area;
}

// The tables that surface-distance has follow from two rules: of two opposite corners of a face
// those are cut off that are fewer in the cell, and a loop that is not flat is filled from
// where its area is largest on a grid of cubes.
double element_area(unsigned corners, Spacing const& spacing) {
  double area = 0;
  for (auto const& loop : mesh_loops(std::popcount(corners) > 4 ? 255 - corners : corners)) {
    std::size_t start = 0;
    for (std::size_t n = 1; n < loop.edges.size(); ++n)
      if (element_fan(loop, n, {}) > element_fan(loop, start, {}) + 1e-9) start = n;
    area += element_fan(loop, start, spacing);
  }
  return area;
}

// Of a picture, by its four pixels: the length of the contour.
double element_length(unsigned corners, Spacing const& spacing) {
  auto const slanting = std::hypot(spacing.mm[0], spacing.mm[1]) / 2;
  switch (corners) {
    case 0b0000:
    case 0b1111:
      return 0;
    case 0b0011:
    case 0b1100:
      return spacing.mm[0];
    case 0b0101:
    case 0b1010:
      return spacing.mm[1];
    case 0b0110:
    case 0b1001:
      return 2 * slanting;
    default:
      return slanting;
  }
}

// The corners of a mask's voxels: which of the voxels around each are marked.
struct ElementCorners {
  std::array<std::int64_t, 3> size;
  std::vector<std::uint8_t> around;

  ElementCorners(Volume const& mask, bool picture)
      : size{mask.width() + 1, mask.height() + 1, picture ? 1 : mask.depth() + 1},
        around(static_cast<std::size_t>(size[0] * size[1] * size[2])) {
    auto voxel = mask.as<std::uint8_t>().begin();
    unsigned const corners = picture ? 4 : 8;
    for (std::int64_t k = 0; k < mask.depth(); ++k)
      for (std::int64_t j = 0; j < mask.height(); ++j)
        for (std::int64_t i = 0; i < mask.width(); ++i) {
          if (*voxel++ == 0) continue;
          for (unsigned n = 0; n < corners; ++n) {
            auto const x = i + 1 - (n & 1U), y = j + 1 - (n >> 1U & 1U);
            auto const z = picture ? 0 : k + 1 - (n >> 2U & 1U);
            auto& marks = around[static_cast<std::size_t>((z * size[1] + y) * size[0] + x)];
            marks = static_cast<std::uint8_t>(marks | 1U << n);
          }
        }
  }
};

struct ElementShare {
  double near = 0, all = 0;
};

// How much of one surface is near to the other.
ElementShare element_share(ElementCorners const& of,
                           ElementCorners const& to,
                           std::array<double, 256> const& area,
                           Spacing const& spacing,
                           double tolerance,
                           int threads) {
  std::vector<std::uint8_t> sources(to.around.size());
  for (std::size_t n = 0; n < sources.size(); ++n) sources[n] = area[to.around[n]] > 0 ? 1 : 0;
  std::vector<float> apart(sources.size());
  squared_distances(to.size, spacing, sources, apart, threads);
  ElementShare out;
  // What float rounds on the way is no reason to be outside.
  auto const most = tolerance * (1 + 1e-6);
  for (std::size_t n = 0; n < apart.size(); ++n) {
    auto const here = area[of.around[n]];
    if (here == 0) continue;
    out.all += here;
    if (spacing.mm[0] * std::sqrt(static_cast<double>(apart[n])) <= most) out.near += here;
  }
  return out;
}

}  // namespace

std::optional<double> surface_dice_by_area(Volume const& a,
                                           Volume const& b,
                                           double tolerance_mm,
                                           int threads) {
  if (!(tolerance_mm >= 0) || !std::isfinite(tolerance_mm))
    throw Error{Fault::usage, text("expected a tolerance of 0 mm or more, got ", tolerance_mm),
                "choose what two readers differ by"};
  if (a.channels() != 1 || b.channels() != 1)
    throw Error{
        Fault::input,
        text("expected masks of one channel, got ", a.channels(), " and ", b.channels()),
        "take their layers one by one"};
  expect_same_places(a.grid(), b.grid(), "both masks");
  expect_straight(a.grid(), "surface distances");
  auto const box = joint_box_of_marked(a, b);
  if (!box) return std::nullopt;
  auto const picture = a.depth() == 1;
  auto const spacing = a.grid().spacing();
  std::array<double, 256> area{};
  for (unsigned n = 0; n < (picture ? 16U : 256U); ++n)
    area[n] = picture ? element_length(n, spacing) : element_area(n, spacing);
  ElementCorners const of_a{crop(a, *box), picture}, of_b{crop(b, *box), picture};
  auto const cores = threads > 0 ? threads : usable_cores();
  auto const ab = element_share(of_a, of_b, area, spacing, tolerance_mm, cores);
  auto const ba = element_share(of_b, of_a, area, spacing, tolerance_mm, cores);
  return (ab.near + ba.near) / (ab.all + ba.all);
}

}  // namespace fovea
