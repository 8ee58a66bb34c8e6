#pragma once

#include "base/image/grid.hpp"

#include <array>
#include <cstdint>
#include <optional>

namespace fovea {

/// From the grid that networks saw to that of the input: resampled back, put where it was cut
/// out, axes in their old order. Sizes are in a tensor's order; "network axes" are those of the
/// prepared case, before axes are put back.
struct WayBack {
  std::array<std::int64_t, 3> prepared{};  ///< size that networks saw, network axes
  std::array<std::int64_t, 3> cut{};  ///< size of the cut before it was resampled, network axes
  std::array<std::int64_t, 3> first{};  ///< where the cut begins in the whole, network axes
  /// Network axis n is axis axes[n] of the input (0 is k, 2 is i).
  std::array<int, 3> axes{0, 1, 2};
  /// Network axis along which a voxel is taken from the nearest slice, not interpolated.
  std::optional<int> nearest = std::nullopt;
  Grid grid;  ///< of the input
};

/// No way at all: the prepared case lies on the input's grid.
WayBack stay(Grid const& grid);

/// The axis that is resampled by itself, to the nearest slice, when logits go back: nnU-Net's
/// rule. If the largest spacing is above 3 times the smallest, on the way's start or else on
/// its end, it is the axis of that spacing, unless two or three share it.
///
/// In  spacings in mm, network axes: `from` of what networks saw, `to` of the input
std::optional<int> axis_apart(std::array<double, 3> const& from,
                              std::array<double, 3> const& to);

}  // namespace fovea
