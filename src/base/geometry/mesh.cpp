#include "base/geometry/mesh.hpp"

#include "base/core/pool.hpp"
#include "base/geometry/grids.hpp"
#include "base/geometry/mesh_cell.hpp"
#include "base/image/vector3.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

namespace fovea {
namespace {

/// The box around the mask with a rim of 0, so that every surface closes.
struct MeshRoom {
  IndexBox box;                        // of the mask
  std::array<std::int64_t, 3> size{};  // with the rim
  std::vector<std::uint8_t> marks;

  std::uint8_t const* row(std::int64_t j, std::int64_t k) const {
    return marks.data() + (k * size[1] + j) * size[0];
  }
};

MeshRoom mesh_room(Volume const& mask, IndexBox const& box) {
  MeshRoom room{
      .box = box, .size = {box.size[0] + 2, box.size[1] + 2, box.size[2] + 2}, .marks = {}};
  room.marks.resize(static_cast<std::size_t>(room.size[0] * room.size[1] * room.size[2]));
  with_type(mask.type(), [&](auto zero) {
    using T = decltype(zero);
    auto const voxels = mask.as<T>();
    for (std::int64_t k = 0; k < box.size[2]; ++k) {
      for (std::int64_t j = 0; j < box.size[1]; ++j) {
        auto const* const from =
            voxels.data() +
            ((k + box.first[2]) * mask.height() + j + box.first[1]) * mask.width() +
            box.first[0];
        auto* const to =
            room.marks.data() + ((k + 1) * room.size[1] + j + 1) * room.size[0] + 1;
        for (std::int64_t i = 0; i < box.size[0]; ++i)
          to[i] = from[i] < T{} || from[i] > T{} ? std::uint8_t{1} : std::uint8_t{0};
      }
    }
  });
  return room;
}

/// Goes through the room slice by slice: points between voxels of the slice and to the next,
/// then the triangles of the cells between both.
class MeshMaker {
 public:
  MeshMaker(MeshRoom const& room, Grid const& grid) : room_(room), grid_(grid) {
    auto const slice = static_cast<std::size_t>(room.size[0] * room.size[1]);
    for (auto& plane : in_slice_) plane.resize(2 * slice);
    between_.resize(slice);
    auto const& [i, j, k] = grid.axes;
    mirrored_ = dot(cross(i.mm, j.mm), k.mm) < 0;
  }

  Mesh run() {
    points_of_slice(0);
    for (std::int64_t k = 0; k + 1 < room_.size[2]; ++k) {
      points_between(k);
      points_of_slice(k + 1);
      for (std::int64_t j = 0; j + 1 < room_.size[1]; ++j) cells_of_row(j, k);
    }
    return std::move(mesh_);
  }

 private:
  std::uint32_t add_point(double i, double j, double k) {
    constexpr auto most = std::numeric_limits<std::uint32_t>::max();
    if (mesh_.points.size() >= most)
      throw Error{Fault::resource, text("expected a surface of at most ", most, " points"),
                  "crop the mask, or resample it onto a coarser grid"};
    auto const& first = room_.box.first;
    mesh_.points.push_back(grid_.point_of(
        {{i - 1 + static_cast<double>(first[0]), j - 1 + static_cast<double>(first[1]),
          k - 1 + static_cast<double>(first[2])}}));
    return static_cast<std::uint32_t>(mesh_.points.size() - 1);
  }

  std::size_t at(std::int64_t i, std::int64_t j) const {
    return static_cast<std::size_t>(j * room_.size[0] + i);
  }

  void points_of_slice(std::int64_t k) {
    auto& plane = in_slice_[static_cast<std::size_t>(k & 1)];
    for (std::int64_t j = 0; j < room_.size[1]; ++j) {
      auto const* const row = room_.row(j, k);
      auto const* const next = j + 1 < room_.size[1] ? room_.row(j + 1, k) : row;
      for (std::int64_t i = 0; i < room_.size[0]; ++i) {
        auto const x = static_cast<double>(i);
        auto const y = static_cast<double>(j);
        if (i + 1 < room_.size[0] && row[i] != row[i + 1])
          plane[2 * at(i, j)] = add_point(x + 0.5, y, static_cast<double>(k));
        if (row[i] != next[i])
          plane[2 * at(i, j) + 1] = add_point(x, y + 0.5, static_cast<double>(k));
      }
    }
  }

  void points_between(std::int64_t k) {
    for (std::int64_t j = 0; j < room_.size[1]; ++j) {
      auto const* const row = room_.row(j, k);
      auto const* const next = room_.row(j, k + 1);
      for (std::int64_t i = 0; i < room_.size[0]; ++i) {
        if (row[i] != next[i])
          between_[at(i, j)] = add_point(static_cast<double>(i), static_cast<double>(j),
                                         static_cast<double>(k) + 0.5);
      }
    }
  }

  // The point on a cell's edge.
  std::uint32_t point_on(std::size_t edge,
                         std::int64_t i,
                         std::int64_t j,
                         std::int64_t k) const {
    auto const [axis, corner] = mesh_edge(edge);
    auto const place = at(i + (corner & 1), j + (corner >> 1 & 1));
    if (axis == 2) return between_[place];
    return in_slice_[static_cast<std::size_t>((k + (corner >> 2 & 1)) & 1)][2 * place + axis];
  }

  void cells_of_row(std::int64_t j, std::int64_t k) {
    std::array const rows{room_.row(j, k), room_.row(j + 1, k), room_.row(j, k + 1),
                          room_.row(j + 1, k + 1)};
    // Bit 2 n of the left side is row n's voxel; corners of a cell are counted i, j, k.
    auto const side = [&](std::int64_t i) {
      unsigned bits = 0;
      for (unsigned n = 0; n < 4; ++n) bits |= unsigned{rows[n][i]} << (2 * n);
      return bits;
    };
    auto left = side(0);
    for (std::int64_t i = 0; i + 1 < room_.size[0]; ++i) {
      auto const right = side(i + 1);
      auto const corners = left | right << 1U;
      left = right;
      if (corners != 0 && corners != 255) cell(corners, i, j, k);
    }
  }

  void cell(unsigned corners, std::int64_t i, std::int64_t j, std::int64_t k) {
    for (auto const& loop : mesh_loops(corners)) {
      std::array<std::uint32_t, 12> points{};
      for (std::size_t n = 0; n < loop.edges.size(); ++n)
        points[n] = point_on(loop.edges[n], i, j, k);
      auto const count = loop.edges.size();
      if (loop.centred) {
        auto const middle = add_middle({points.data(), count});
        for (std::size_t n = 0; n < count; ++n)
          add_triangle(middle, points[n], points[(n + 1) % count]);
      } else {
        for (std::size_t n = 1; n + 1 < count; ++n)
          add_triangle(points[0], points[n], points[n + 1]);
      }
    }
  }

  std::uint32_t add_middle(std::span<std::uint32_t const> around) {
    Point middle;
    for (auto const point : around) {
      for (std::size_t n = 0; n < 3; ++n) middle.mm[n] += mesh_.points[point].mm[n];
    }
    for (auto& mm : middle.mm) mm /= static_cast<double>(around.size());
    auto const out = add_point(0, 0, 0);
    mesh_.points.back() = middle;
    return out;
  }

  void add_triangle(std::uint32_t a, std::uint32_t b, std::uint32_t c) {
    if (mirrored_) std::swap(b, c);
    mesh_.triangles.push_back({a, b, c});
  }

  MeshRoom const& room_;
  Grid const& grid_;
  bool mirrored_ = false;
  std::array<std::vector<std::uint32_t>, 2> in_slice_;  // of two slices, along i and j
  std::vector<std::uint32_t> between_;                  // along k
  Mesh mesh_;
};

/// The neighbours of each point. In a closed surface each edge is run along once each way, so
/// each is listed once.
class MeshRings {
 public:
  explicit MeshRings(Mesh const& mesh)
      : first_(mesh.points.size() + 1), neighbours_(3 * mesh.triangles.size()) {
    for (auto const& corners : mesh.triangles) {
      for (auto const corner : corners) ++first_[corner + 1];
    }
    for (std::size_t n = 1; n < first_.size(); ++n) first_[n] += first_[n - 1];
    auto next = first_;
    for (auto const& corners : mesh.triangles) {
      for (std::size_t n = 0; n < 3; ++n)
        neighbours_[next[corners[n]]++] = corners[(n + 1) % 3];
    }
  }

  std::span<std::uint32_t const> of(std::size_t point) const {
    return std::span{neighbours_}.subspan(first_[point], first_[point + 1] - first_[point]);
  }

 private:
  std::vector<std::size_t> first_;
  std::vector<std::uint32_t> neighbours_;
};

Point mesh_moved(std::vector<Point> const& points,
                 std::size_t at,
                 MeshRings const& rings,
                 double share) {
  auto const ring = rings.of(at);
  auto const& here = points[at].mm;
  Vector3 sum{};
  for (auto const other : ring) {
    for (std::size_t n = 0; n < 3; ++n) sum[n] += points[other].mm[n];
  }
  Point out;
  for (std::size_t n = 0; n < 3; ++n)
    out.mm[n] = here[n] + share * (sum[n] / static_cast<double>(ring.size()) - here[n]);
  return out;
}

}  // namespace

Mesh mesh_of(Volume const& mask) {
  if (mask.channels() != 1)
    throw Error{Fault::input, text("expected a mask of one channel, got ", mask.channels()),
                "take its layers one by one"};
  index_map(mask.grid(), mask.grid());  // a flat grid is refused
  auto const box = box_of_marked(mask);
  if (!box) return {};
  auto const room = mesh_room(mask, *box);
  return MeshMaker{room, mask.grid()}.run();
}

void smooth(Mesh& mesh, int rounds, int threads) {
  if (rounds < 0)
    throw Error{Fault::usage, text("expected 0 or more rounds of smoothing, got ", rounds),
                "20 is usual"};
  if (rounds == 0 || mesh.points.empty()) return;
  constexpr auto inwards = 0.5;
  constexpr auto outwards = -0.53;
  MeshRings const rings{mesh};
  std::vector<Point> moved(mesh.points.size());
  constexpr std::int64_t at_once = 4096;
  auto const count = static_cast<std::int64_t>(moved.size());
  for (int round = 0; round < 2 * rounds; ++round) {
    in_parallel((count + at_once - 1) / at_once, threads > 0 ? threads : usable_cores(),
                [&](std::int64_t block) {
                  auto const end = std::min(count, (block + 1) * at_once);
                  for (auto n = block * at_once; n < end; ++n)
                    moved[static_cast<std::size_t>(n)] =
                        mesh_moved(mesh.points, static_cast<std::size_t>(n), rings,
                                   round % 2 == 0 ? inwards : outwards);
                });
    mesh.points.swap(moved);
  }
}

double area_mm2(Mesh const& mesh) {
  double twice = 0;
  for (auto const& [a, b, c] : mesh.triangles) {
    auto const normal = cross(difference(mesh.points[b].mm, mesh.points[a].mm),
                              difference(mesh.points[c].mm, mesh.points[a].mm));
    twice += length_of(normal);
  }
  return twice / 2;
}

double volume_mm3(Mesh const& mesh) {
  if (mesh.points.empty()) return 0;
  // From a point nearby, so that far from the origin no digit is lost.
  auto const& from = mesh.points.front();
  double sixfold = 0;
  for (auto const& [a, b, c] : mesh.triangles)
    sixfold += dot(
        difference(mesh.points[a].mm, from.mm),
        cross(difference(mesh.points[b].mm, from.mm), difference(mesh.points[c].mm, from.mm)));
  return sixfold / 6;
}

}  // namespace fovea
