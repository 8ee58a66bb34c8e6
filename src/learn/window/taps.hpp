#pragma once

#include <cstdint>
#include <vector>

namespace fovea {

/// What each voxel along an axis takes from another number of voxels over the same length:
/// low * (1 - part) + high * part. Both never fall.
struct AxisTaps {
  std::vector<std::int64_t> low, high;  ///< the same where `part` is 0
  std::vector<float> part;

  std::int64_t size() const { return static_cast<std::int64_t>(low.size()); }
};

/// Outer faces fall together; beyond the outermost centres their values go on. Linear, or from
/// the nearest, a middle belonging to the upper one. As scikit-image's resize with order 1, and
/// scipy's map_coordinates with order 0.
AxisTaps taps_of(std::int64_t from, std::int64_t to, bool nearest);

}  // namespace fovea
