#pragma once

#include "base/image/volume.hpp"

#include <cstdint>

namespace fovea {

/// A straight way through a segment, between two points of its surface.
struct Diameter {
  double mm = 0;
  Point from, to;
};

/// The longest way within one slice, and the longest across it.
struct SliceDiameters {
  std::int64_t slice = -1;  ///< along the axis that slices are counted along
  Diameter longest;
  Diameter across;  ///< at a right angle, in the same slice
};

/// Which of the array's axes counts the slices that are nearest to axial: the one whose planes
/// lie most across the line from foot to head.
std::size_t axial_axis(Grid const& grid);

/// The two points of a mask's surface that are furthest apart. The surface's points are the
/// middles between the centre of a voxel inside and of its neighbour outside, along i, j and k:
/// those of mesh_of. Exact: only corners of the convex hull can be furthest.
///
/// In      u8, one channel, any grid, also sheared; beyond the volume is outside
/// Throws  Error{input} if nothing is marked
Diameter longest_diameter(Volume const& mask);

/// Of all slices across an axis the one with the longest way between two surface points of that
/// slice; of equal ones the first. Across it: the longest way at a right angle to it between
/// two points of the convex hull of that slice's surface points (so a hollow is bridged).
SliceDiameters slice_diameters(Volume const& mask, std::size_t axis);

}  // namespace fovea
