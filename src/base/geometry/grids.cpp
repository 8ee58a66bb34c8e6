#include "base/geometry/grids.hpp"

#include "base/image/vector3.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace fovea {
namespace {

// Rows of the inverse of the matrix whose columns are the axes.
std::array<Vector3, 3> grids_inverse(Grid const& grid) {
  auto const& [i, j, k] = grid.axes;
  std::array rows{cross(j.mm, k.mm), cross(k.mm, i.mm), cross(i.mm, j.mm)};
  auto const volume = dot(i.mm, rows[0]);
  auto const spacing = grid.spacing().mm;
  // A tenth of a degree between an axis and the plane of the others: no scanner does that.
  constexpr auto flat = 1.7e-3;
  auto const finite =
      std::ranges::all_of(grid.origin.mm, [](auto v) { return std::isfinite(v); });
  if (!finite || !(std::abs(volume) > flat * spacing[0] * spacing[1] * spacing[2]) ||
      !std::isfinite(volume))
    throw Error{
        Fault::input,
        text("expected a grid with three different axes, got spacing ", spacing[0], " x ",
             spacing[1], " x ", spacing[2], " mm and a voxel of ", volume, " mm3"),
        "check the affine of the file"};
  for (auto& row : rows) {
    for (auto& value : row) value /= volume;
  }
  return rows;
}

void grids_expect_size(std::array<std::int64_t, 3> const& size) {
  constexpr double most = 0x1p40;
  double all = 1;
  for (auto const along : size) all *= along < 1 ? 2 * most : static_cast<double>(along);
  if (all > most)
    throw Error{Fault::input,
                text("expected a grid of at least 1 and at most 2^40 voxels, got ", size[0],
                     " x ", size[1], " x ", size[2]),
                "choose another size or spacing"};
}

std::int64_t grids_rounded(double size) {
  // Far above what is allowed, far below what no integer holds.
  return static_cast<std::int64_t>(std::clamp(std::nearbyint(size), 1.0, 0x1p42));
}

// Steps of axis times `step`, voxel 0 at place `first` of the old grid.
Grid grids_stepped(Grid const& grid,
                   std::array<std::int64_t, 3> const& size,
                   Vector3 const& step,
                   Vector3 const& first) {
  grids_expect_size(size);
  auto out = grid;
  out.size = size;
  out.origin = grid.point_of({first});
  for (std::size_t axis = 0; axis < 3; ++axis) {
    for (auto& mm : out.axes[axis].mm) mm *= step[axis];
  }
  return out;
}

// Calls use(index) with the eight corners of lower … upper.
template <class Use>
void grids_corners(Vector3 const& lower, Vector3 const& upper, Use const& use) {
  for (unsigned corner = 0; corner < 8; ++corner) {
    Vector3 at{};
    for (std::size_t axis = 0; axis < 3; ++axis)
      at[axis] = (corner >> axis & 1U) != 0 ? upper[axis] : lower[axis];
    use(at);
  }
}

struct GridsRange {
  Vector3 lower, upper;

  GridsRange() {
    lower.fill(std::numeric_limits<double>::infinity());
    upper.fill(-std::numeric_limits<double>::infinity());
  }
  void include(Vector3 const& at) {
    for (std::size_t axis = 0; axis < 3; ++axis) {
      lower[axis] = std::min(lower[axis], at[axis]);
      upper[axis] = std::max(upper[axis], at[axis]);
    }
  }
};

Vector3 grids_last(Grid const& grid, double beyond) {
  Vector3 last{};
  for (std::size_t axis = 0; axis < 3; ++axis)
    last[axis] = static_cast<double>(grid.size[axis] - 1) + beyond;
  return last;
}

template <class T>
std::optional<IndexBox> grids_box_of(Volume const& mask) {
  auto const& size = mask.grid().size;
  std::array<std::int64_t, 3> first = size;
  std::array<std::int64_t, 3> last{-1, -1, -1};
  auto const* voxel = mask.as<T>().data();
  for (std::int64_t row = 0; row < mask.channels() * size[2] * size[1];
       ++row, voxel += size[0]) {
    auto const* const end = voxel + size[0];
    auto const* const begin = std::find_if(voxel, end, [](T v) { return v != T{}; });
    if (begin == end) continue;
    auto const back = std::find_if(std::reverse_iterator(end), std::reverse_iterator(voxel),
                                   [](T v) { return v != T{}; });
    std::array const low{begin - voxel, row % size[1], row / size[1] % size[2]};
    std::array const high{back.base() - voxel - 1, low[1], low[2]};
    for (std::size_t axis = 0; axis < 3; ++axis) {
      first[axis] = std::min<std::int64_t>(first[axis], low[axis]);
      last[axis] = std::max<std::int64_t>(last[axis], high[axis]);
    }
  }
  if (last[0] < 0) return std::nullopt;
  IndexBox box{.first = first};
  for (std::size_t axis = 0; axis < 3; ++axis) box.size[axis] = last[axis] - first[axis] + 1;
  return box;
}

}  // namespace

Index IndexMap::operator()(Index index) const {
  Index out{offset};
  for (std::size_t row = 0; row < 3; ++row) {
    for (std::size_t column = 0; column < 3; ++column)
      out.ijk[row] += matrix[row][column] * index.ijk[column];
  }
  return out;
}

IndexMap index_map(Grid const& from, Grid const& to) {
  auto const rows = grids_inverse(to);
  IndexMap map;
  Vector3 apart{};
  for (std::size_t n = 0; n < 3; ++n) apart[n] = from.origin.mm[n] - to.origin.mm[n];
  for (std::size_t row = 0; row < 3; ++row) {
    map.offset[row] = dot(rows[row], apart);
    for (std::size_t column = 0; column < 3; ++column)
      map.matrix[row][column] = dot(rows[row], from.axes[column].mm);
  }
  return map;
}

Index index_of(Grid const& grid, Point point) {
  auto const rows = grids_inverse(grid);
  Vector3 apart{};
  for (std::size_t n = 0; n < 3; ++n) apart[n] = point.mm[n] - grid.origin.mm[n];
  return {{dot(rows[0], apart), dot(rows[1], apart), dot(rows[2], apart)}};
}

Grid respaced(Grid const& grid, Spacing spacing, Keep keep) {
  grids_inverse(grid);
  grids_expect_size(grid.size);
  auto const old = grid.spacing().mm;
  std::array<std::int64_t, 3> size{};
  Vector3 step{};
  Vector3 first{};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    if (!(spacing.mm[axis] > 0) || !std::isfinite(spacing.mm[axis]))
      throw Error{Fault::usage,
                  text("expected a spacing above 0, got ", spacing.mm[axis], " mm"),
                  "give three positive numbers"};
    auto const count = static_cast<double>(grid.size[axis]);
    step[axis] = spacing.mm[axis] / old[axis];
    size[axis] =
        grids_rounded(keep == Keep::corner ? (count - 1) / step[axis] + 1 : count / step[axis]);
    first[axis] = (count - 1 - static_cast<double>(size[axis] - 1) * step[axis]) / 2;
  }
  if (keep == Keep::box) return with_size(grid, size);
  return grids_stepped(grid, size, step, keep == Keep::corner ? Vector3{} : first);
}

Grid with_size(Grid const& grid, std::array<std::int64_t, 3> size) {
  grids_expect_size(grid.size);
  grids_expect_size(size);
  Vector3 step{};
  Vector3 first{};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    step[axis] = static_cast<double>(grid.size[axis]) / static_cast<double>(size[axis]);
    // The face stays where it is, so the first centre moves.
    first[axis] = (step[axis] - 1) / 2;
  }
  return grids_stepped(grid, size, step, first);
}

Grid with_size_between_corners(Grid const& grid, std::array<std::int64_t, 3> size) {
  grids_expect_size(grid.size);
  grids_expect_size(size);
  Vector3 step{};
  Vector3 first{};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    auto const last = static_cast<double>(grid.size[axis] - 1);
    auto const between = size[axis] > 1 && last > 0;
    step[axis] = between ? last / static_cast<double>(size[axis] - 1)
                         : (last + 1) / static_cast<double>(size[axis]);
    first[axis] = between ? 0 : (last - step[axis] * static_cast<double>(size[axis] - 1)) / 2;
  }
  return grids_stepped(grid, size, step, first);
}

Grid straightened(Grid const& grid) {
  grids_expect_size(grid.size);
  if (!grid.sheared()) return grid;
  auto out = grid;
  for (std::size_t axis = 1; axis < 3; ++axis) {
    for (std::size_t before = 0; before < axis; ++before) {
      auto const& upright = out.axes[before].mm;
      auto const lean = dot(out.axes[axis].mm, upright) / dot(upright, upright);
      for (std::size_t n = 0; n < 3; ++n) out.axes[axis].mm[n] -= lean * upright[n];
    }
  }
  auto const map = index_map(grid, out);
  GridsRange range;
  grids_corners({}, grids_last(grid, 0), [&](auto const& at) { range.include(map({at}).ijk); });
  // What only rounding put beyond a voxel takes no voxel more.
  constexpr auto rounding = 1e-6;
  Vector3 first{};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    first[axis] = std::floor(range.lower[axis] + rounding);
    out.size[axis] =
        static_cast<std::int64_t>(std::ceil(range.upper[axis] - rounding) - first[axis]) + 1;
  }
  grids_expect_size(out.size);
  out.origin = out.point_of({first});
  return out;
}

double plane_distance(Grid const& grid) {
  auto const normal = cross(grid.axes[0].mm, grid.axes[1].mm);
  return std::abs(dot(grid.axes[2].mm, normal)) / length_of(normal);
}

WorldBox world_box(Grid const& grid) {
  GridsRange range;
  grids_corners({-0.5, -0.5, -0.5}, grids_last(grid, 0.5),
                [&](auto const& at) { range.include(grid.point_of({at}).mm); });
  return {{range.lower}, {range.upper}};
}

std::optional<IndexBox> voxels_within(Grid const& grid, WorldBox const& box) {
  GridsRange range;
  grids_corners(box.lower.mm, box.upper.mm,
                [&](auto const& at) { range.include(index_of(grid, {at}).ijk); });
  constexpr auto rounding = 1e-6;
  IndexBox out;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    auto const most = static_cast<double>(grid.size[axis]);
    auto const first = std::clamp(std::ceil(range.lower[axis] - rounding), 0.0, most);
    auto const end = std::clamp(std::floor(range.upper[axis] + rounding) + 1, 0.0, most);
    if (!(end > first)) return std::nullopt;
    out.first[axis] = static_cast<std::int64_t>(first);
    out.size[axis] = static_cast<std::int64_t>(end - first);
  }
  return out;
}

std::optional<IndexBox> box_of_marked(Volume const& mask) {
  return with_type(mask.type(),
                   [&](auto value) { return grids_box_of<decltype(value)>(mask); });
}

}  // namespace fovea
