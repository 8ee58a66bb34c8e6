#include "base/geometry/diameters.hpp"

#include "base/geometry/grids.hpp"
#include "base/image/vector3.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <vector>

namespace fovea {
namespace {

// Surface points lie half way between voxels, so places are counted in halves: whole numbers,
// in which a convex hull is exact. It stays one in mm, whatever the axes.
using DiameterHalves = std::array<std::int64_t, 3>;
using DiameterPoints = std::vector<DiameterHalves>;

std::array<double, 3> diameter_mm(Grid const& grid, DiameterHalves const& at) {
  return grid
      .point_of({{static_cast<double>(at[0]) / 2, static_cast<double>(at[1]) / 2,
                  static_cast<double>(at[2]) / 2}})
      .mm;
}

double diameter_square(std::array<double, 3> const& a, std::array<double, 3> const& b) {
  auto const x = a[0] - b[0], y = a[1] - b[1], z = a[2] - b[2];
  return x * x + y * y + z * z;
}

std::int64_t diameter_turn(DiameterHalves const& a,
                           DiameterHalves const& b,
                           DiameterHalves const& c,
                           std::size_t u,
                           std::size_t v) {
  return (b[u] - a[u]) * (c[v] - a[v]) - (b[v] - a[v]) * (c[u] - a[u]);
}

// The corners of the convex hull of points in a plane of constant w, against the clock in (u,
// v): Andrew's monotone chain.
DiameterPoints diameter_hull(DiameterPoints points, std::size_t u, std::size_t v) {
  std::ranges::sort(points, [&](auto const& a, auto const& b) {
    return a[u] != b[u] ? a[u] < b[u] : a[v] < b[v];
  });
  points.erase(std::unique(points.begin(), points.end()), points.end());
  if (points.size() < 3) return points;
  DiameterPoints hull(2 * points.size());
  std::size_t count = 0;
  auto const add = [&](DiameterHalves const& point, std::size_t least) {
    while (count >= least && diameter_turn(hull[count - 2], hull[count - 1], point, u, v) <= 0)
      --count;
    hull[count++] = point;
  };
  for (auto const& point : points) add(point, 2);
  auto const lower = count + 1;
  for (auto n = points.size() - 1; n-- > 0;) add(points[n], lower);
  hull.resize(count - 1);
  return hull;
}

// Of each plane across an axis only the hull's corners: no other point can be furthest from
// any.
DiameterPoints diameter_pruned(DiameterPoints const& points, std::size_t axis) {
  std::map<std::int64_t, DiameterPoints> planes;
  for (auto const& point : points) planes[point[axis]].push_back(point);
  DiameterPoints out;
  for (auto& [at, plane] : planes) {
    auto const hull = diameter_hull(std::move(plane), (axis + 1) % 3, (axis + 2) % 3);
    out.insert(out.end(), hull.begin(), hull.end());
  }
  return out;
}

// The furthest two; of equal ones those that come first.
Diameter diameter_of(Grid const& grid, DiameterPoints const& points) {
  std::vector<std::array<double, 3>> places;
  places.reserve(points.size());
  for (auto const& point : points) places.push_back(diameter_mm(grid, point));
  double most = -1;
  std::size_t from = 0, to = 0;
  for (std::size_t a = 0; a < places.size(); ++a) {
    double best = most;
    for (std::size_t b = a + 1; b < places.size(); ++b)
      best = std::max(best, diameter_square(places[a], places[b]));
    if (best <= most) continue;
    most = best;
    from = to = a;
    for (auto b = a + 1; b < places.size() && to == a; ++b) {
      if (diameter_square(places[a], places[b]) == best) to = b;
    }
  }
  return {std::sqrt(std::max(most, 0.0)), {places[from]}, {places[to]}};
}

/// The first and last marked voxel of each line along an axis: what lies between them is no
/// corner of a hull.
class DiameterEnds {
 public:
  DiameterEnds(Volume const& mask, std::size_t axis)
      : axis_(axis), size_(mask.grid().size), stride_{1, size_[0], size_[0] * size_[1]} {
    other_ = {(axis + 1) % 3, (axis + 2) % 3};
    if (other_[0] > other_[1]) std::swap(other_[0], other_[1]);
    auto const lines = static_cast<std::size_t>(size_[other_[0]] * size_[other_[1]]);
    first_.assign(lines, size_[axis]);
    last_.assign(lines, -1);
    find(mask.as<std::uint8_t>());
  }

  // The surface points at both ends of each line.
  template <class Use>
  void each(Use const& use) const {
    for (std::size_t line = 0; line < first_.size(); ++line) {
      if (last_[line] < 0) continue;
      DiameterHalves point{};
      auto const at = static_cast<std::int64_t>(line);
      point[other_[0]] = 2 * (at % size_[other_[0]]);
      point[other_[1]] = 2 * (at / size_[other_[0]]);
      point[axis_] = 2 * first_[line] - 1;
      use(point);
      point[axis_] = 2 * last_[line] + 1;
      use(point);
    }
  }

 private:
  // Row by row as they lie in memory.
  void find(std::span<std::uint8_t const> marks) {
    std::array<std::int64_t, 3> at{};
    for (at[2] = 0; at[2] < size_[2]; ++at[2]) {
      for (at[1] = 0; at[1] < size_[1]; ++at[1]) {
        auto const* const row = marks.data() + at[2] * stride_[2] + at[1] * stride_[1];
        for (at[0] = 0; at[0] < size_[0]; ++at[0]) {
          if (row[at[0]] == 0) continue;
          auto const line =
              static_cast<std::size_t>(at[other_[1]] * size_[other_[0]] + at[other_[0]]);
          first_[line] = std::min(first_[line], at[axis_]);
          last_[line] = at[axis_];
        }
      }
    }
  }

  std::size_t axis_;
  std::array<std::int64_t, 3> size_, stride_;
  std::array<std::size_t, 2> other_{};
  std::vector<std::int64_t> first_, last_;
};

void diameter_expect(DiameterPoints const& points) {
  if (points.empty())
    throw Error{Fault::input, "expected a mask with voxels in it, got none",
                "an empty segment has no diameter"};
}

/// A convex polygon in mm, in a frame whose first axis runs along the longest way.
struct DiameterFrame {
  Vector3 origin{}, along{}, across{};
};

DiameterFrame diameter_frame(Grid const& grid, Diameter const& longest, std::size_t axis) {
  DiameterFrame frame{.origin = longest.from.mm, .along = {}, .across = {}};
  auto const& u = grid.axes[(axis + 1) % 3].mm;
  auto const& v = grid.axes[(axis + 2) % 3].mm;
  auto const normal = cross(u, v);
  auto const size = length_of(normal);
  for (std::size_t n = 0; n < 3; ++n)
    frame.along[n] = (longest.to.mm[n] - longest.from.mm[n]) / longest.mm;
  for (std::size_t n = 0; n < 3; ++n) {
    auto const next = (n + 1) % 3, after = (n + 2) % 3;
    frame.across[n] =
        (normal[next] * frame.along[after] - normal[after] * frame.along[next]) / size;
  }
  return frame;
}

using DiameterFlat = std::array<double, 2>;

// Where the polygon's rim is above `x`: its lowest and highest place there.
std::array<double, 2> diameter_chord(std::vector<DiameterFlat> const& polygon, double x) {
  std::array<double, 2> out{1e300, -1e300};
  auto const include = [&](double y) {
    out[0] = std::min(out[0], y);
    out[1] = std::max(out[1], y);
  };
  for (std::size_t n = 0; n < polygon.size(); ++n) {
    auto const& a = polygon[n];
    auto const& b = polygon[(n + 1) % polygon.size()];
    if (a[0] == x) include(a[1]);
    if ((a[0] < x) != (b[0] < x) && a[0] != x && b[0] != x)
      include(a[1] + (b[1] - a[1]) * (x - a[0]) / (b[0] - a[0]));
  }
  return out;
}

// The chord's length is a concave function of where it stands, linear between corners: its
// longest stands at one.
Diameter diameter_across(Grid const& grid,
                         DiameterPoints const& hull,
                         Diameter const& longest,
                         std::size_t axis) {
  auto const frame = diameter_frame(grid, longest, axis);
  std::vector<DiameterFlat> polygon;
  for (auto const& point : hull) {
    auto const mm = diameter_mm(grid, point);
    DiameterFlat flat{};
    for (std::size_t n = 0; n < 3; ++n) {
      flat[0] += (mm[n] - frame.origin[n]) * frame.along[n];
      flat[1] += (mm[n] - frame.origin[n]) * frame.across[n];
    }
    polygon.push_back(flat);
  }
  double x = 0;
  std::array<double, 2> best{0, 0};
  for (auto const& corner : polygon) {
    auto const chord = diameter_chord(polygon, corner[0]);
    if (chord[1] - chord[0] <= best[1] - best[0]) continue;
    best = chord;
    x = corner[0];
  }
  auto const place = [&](double y) {
    Point out;
    for (std::size_t n = 0; n < 3; ++n)
      out.mm[n] = frame.origin[n] + x * frame.along[n] + y * frame.across[n];
    return out;
  };
  return {best[1] - best[0], place(best[0]), place(best[1])};
}

}  // namespace

std::size_t axial_axis(Grid const& grid) {
  std::size_t best = 2;
  double most = -1;
  for (auto const axis : {std::size_t{2}, std::size_t{1}, std::size_t{0}}) {
    auto const& u = grid.axes[(axis + 1) % 3].mm;
    auto const& v = grid.axes[(axis + 2) % 3].mm;
    auto const normal = cross(u, v);
    auto const upright = std::abs(normal[2]) / length_of(normal);
    if (upright > most + 1e-9) {
      most = upright;
      best = axis;
    }
  }
  return best;
}

Diameter longest_diameter(Volume const& mask) {
  DiameterPoints points;
  for (std::size_t axis = 0; axis < 3; ++axis)
    DiameterEnds{mask, axis}.each(
        [&](DiameterHalves const& point) { points.push_back(point); });
  diameter_expect(points);
  for (auto const axis : {2, 1, 0})
    points = diameter_pruned(points, static_cast<std::size_t>(axis));
  return diameter_of(mask.grid(), points);
}

SliceDiameters slice_diameters(Volume const& mask, std::size_t axis) {
  std::map<std::int64_t, DiameterPoints> slices;
  for (auto const along : {(axis + 1) % 3, (axis + 2) % 3})
    DiameterEnds{mask, along}.each(
        [&](DiameterHalves const& point) { slices[point[axis] / 2].push_back(point); });
  SliceDiameters out;
  DiameterPoints best;
  for (auto& [slice, points] : slices) {
    auto hull = diameter_hull(std::move(points), (axis + 1) % 3, (axis + 2) % 3);
    auto const longest = diameter_of(mask.grid(), hull);
    if (longest.mm <= out.longest.mm) continue;
    out.slice = slice;
    out.longest = longest;
    best = std::move(hull);
  }
  diameter_expect(best);
  out.across = diameter_across(mask.grid(), best, out.longest, axis);
  return out;
}

}  // namespace fovea
