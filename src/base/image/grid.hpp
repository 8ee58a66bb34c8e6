#pragma once

#include <array>
#include <cstdint>

namespace fovea {

/// A place in the patient, LPS: x grows to the left, y to the back, z to the head.
struct Point {
  std::array<double, 3> mm{};
};

/// A place in the voxel array; whole numbers are voxel centres.
struct Index {
  std::array<double, 3> ijk{};
};

/// Distance between neighbouring voxel centres along i, j, k.
struct Spacing {
  std::array<double, 3> mm{1, 1, 1};
};

/// From one voxel centre to the next along an axis, LPS.
struct Axis {
  std::array<double, 3> mm{};
};

/// Where a box of voxels lies in the patient. Axes need not stand at right angles:
/// a tilted gantry shears them, and readers keep that.
struct Grid {
  std::array<std::int64_t, 3> size{};  ///< voxels along i, j, k
  Point origin;                        ///< centre of voxel (0, 0, 0)
  std::array<Axis, 3> axes{{{{1, 0, 0}}, {{0, 1, 0}}, {{0, 0, 1}}}};  ///< of i, j, k

  Point point_of(Index index) const;
  Spacing spacing() const;
  bool sheared() const;  ///< true if two axes are more than 0.01 degree off a right angle
};

/// A grid along the patient's axes.
Grid upright(std::array<std::int64_t, 3> size, Spacing spacing, Point origin = {});

}  // namespace fovea
