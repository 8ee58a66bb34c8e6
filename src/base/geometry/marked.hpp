#pragma once

#include "base/geometry/grids.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace fovea {

/// The voxels of one value: how many, where, and the sums that their middle and spread follow
/// from.
struct Marked {
  std::int64_t value = 0;
  std::int64_t voxels = 0;
  IndexBox box;
  std::array<double, 3> sum{};      ///< of i, j, k
  std::array<double, 6> product{};  ///< of ii, jj, kk, ij, ik, jk
};

/// Each value but 0, in ascending order. One channel of whole numbers; else Error{input}.
std::vector<Marked> marked_of(Volume const& labels, int threads = 0);

/// Of a box of a volume of whole numbers: 1 where a voxel has the value, else 0; u8.
Volume mask_within(Volume const& labels, std::int64_t value, IndexBox const& box);

/// One channel as a volume of its own, which shares the voxels.
Volume channel_of(Volume const& volume, std::int64_t channel);

/// How much room a voxel takes, also on a sheared grid.
double voxel_mm3(Grid const& grid);

/// The least box around two.
IndexBox joint_box(IndexBox const& a, IndexBox const& b);

/// The least box around all voxels that are not 0 in one or the other; none if there are none.
std::optional<IndexBox> joint_box_of_marked(Volume const& a, Volume const& b);

}  // namespace fovea
