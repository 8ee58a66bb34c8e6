#pragma once

#include "base/geometry/sampler.hpp"

#include <functional>

namespace fovea {

/// Places of an output's voxels that follow no axis of the input.
struct Turned {
  PlacesOf places_of;
  /// Between what places those of a box of the output lie; may say more than there is.
  std::function<std::array<std::array<double, 2>, 3>(IndexBox const&)> reach;
  std::array<double, 3> sigma{};  ///< of a Gaussian before, along the input's axes, voxels
};

/// Reads a box of the input: at least that, with its first voxel and the size of the whole.
using ReadPart = std::function<VolumePart(IndexBox const&)>;

/// Throws Error{usage} if an option is out of range.
void expect_valid(Resample const& options);

/// Between what places a map takes the voxels of a box.
std::array<std::array<double, 2>, 3> reach_of(IndexMap const& map, IndexBox const& box);

/// Bytes for what is prepared: those of the options, or what keeps all at 1.25 times both
/// volumes.
std::uint64_t resample_memory(Resample const& options,
                              std::uint64_t in_bytes,
                              std::uint64_t out_bytes);

/// Fills `box` of `out`, cut up until what is read and prepared for a part (smoothed, or as
/// coefficients) takes at most `memory` bytes, or the part is 16 voxels or less along each
/// axis. `reads` says whether reading a box takes memory as well.
void run_turned(ReadPart const& read,
                bool reads,
                std::array<std::int64_t, 3> const& whole,
                Type type,
                Turned const& how,
                Resample const& options,
                std::uint64_t memory,
                IndexBox const& box,
                Volume& out,
                int threads);

}  // namespace fovea
