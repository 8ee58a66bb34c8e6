#pragma once

#include "base/image/volume.hpp"

#include <array>
#include <cstdint>
#include <optional>

namespace fovea {

/// From places in one voxel array to places in another.
struct IndexMap {
  std::array<std::array<double, 3>, 3> matrix{};
  std::array<double, 3> offset{};

  Index operator()(Index index) const;
};

/// Where a voxel of `from` lies in `to`'s array. Throws Error{input} if `to`'s axes are not
/// three different directions, or a number is not finite.
IndexMap index_map(Grid const& from, Grid const& to);

/// The place in the array of a place in the patient; may lie outside. Throws as index_map.
Index index_of(Grid const& grid, Point point);

/// What stays where it is when the spacing changes.
enum class Keep {
  box,     ///< the outer faces; the spacing is the nearest that divides the box. nnU-Net's size
  centre,  ///< the box's middle; exactly the spacing asked for, nnU-Net's size
  corner   ///< the centre of voxel (0, 0, 0); exactly the spacing asked for, MONAI's size
};

/// The grid with another spacing over the same field of view. The size along an axis is, halves
/// to even as Python rounds:
///
///     box, centre  round(size * spacing / new spacing)             nnU-Net
///     corner       round((size - 1) * spacing / new spacing + 1)   MONAI's Spacing
///
/// and at least 1. Throws Error{usage} if a spacing is not above 0, Error{input} if the grid is
/// empty or degenerate or would exceed 2^40 voxels.
Grid respaced(Grid const& grid, Spacing spacing, Keep keep = Keep::box);

/// The grid of another size over the same box: its outer faces stay.
Grid with_size(Grid const& grid, std::array<std::int64_t, 3> size);

/// The grid of another size whose first and last voxel centres stay, as align_corners=True of
/// PyTorch and MONAI; along an axis of 1 the middle stays.
Grid with_size_between_corners(Grid const& grid, std::array<std::int64_t, 3> size);

/// A grid at right angles that holds every voxel centre of a sheared one: i stays, j and k lean
/// until they are upright. Slice 0 keeps its lattice and slices their planes, so a tilted
/// gantry moves rows only. A grid that is not sheared is returned as it is.
Grid straightened(Grid const& grid);

/// A box of voxels.
struct IndexBox {
  std::array<std::int64_t, 3> first{};
  std::array<std::int64_t, 3> size{};
  bool operator==(IndexBox const&) const = default;
};

/// A box along the patient's axes.
struct WorldBox {
  Point lower;
  Point upper;
};

/// Between the planes of neighbouring slices, mm: along their normal, not along a sheared axis.
double plane_distance(Grid const& grid);

/// Around the outer faces of all voxels.
WorldBox world_box(Grid const& grid);

/// The least box of voxels of a grid whose centres lie in a box of the patient; none if none
/// do. On a turned grid it also holds some that do not.
std::optional<IndexBox> voxels_within(Grid const& grid, WorldBox const& box);

/// The least box around all voxels that are not 0, in any channel; none if all are.
std::optional<IndexBox> box_of_marked(Volume const& mask);

}  // namespace fovea
