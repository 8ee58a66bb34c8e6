#pragma once

#include "base/image/volume.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace fovea {

/// Which voxel each voxel of an output takes, axis by axis: copies, no value is computed.
struct Pick {
  std::array<std::size_t, 3> from{0, 1, 2};  ///< the input's axis along each of the output's
  std::array<std::vector<std::int64_t>, 3> at{};  ///< along that axis; -1: the outside value
};

/// Fills `out`, which is of the input's type or f32, on up to `threads` threads.
void pick(Volume const& in, Pick const& which, double outside, Volume& out, int threads);

}  // namespace fovea
