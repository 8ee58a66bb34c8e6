#pragma once

#include "base/geometry/resample.hpp"

#include <vector>

namespace fovea {

/// Parallel slices, one above the other, at distances that need not be equal.
struct SliceStack {
  /// A slice after the other. Of the grid only sizes and the axes i and j are true: no grid
  /// holds such places.
  Volume voxels;
  std::vector<Point> firsts;  ///< centre of each slice's first voxel, in the order of k
};

/// A regular grid at right angles around the stack: the lattice of the first slice in the
/// plane, wide enough for every slice, and planes from the first slice on, apart by the
/// smallest distance between two; the last lies within half a step of the last slice. Throws
/// Error{input} if there are fewer than 2 slices, not as many places as slices, or places that
/// do not rise along the normal (i x j).
Grid straightened(SliceStack const& stack);

/// What the slices show, on a grid: between two slices straight from each voxel to the one with
/// the same i and j, as `resample` does on a sheared grid; piecewise along k, so that no gap is
/// taken for another. Outside from half a gap beyond the first and the last slice on.
///
/// In      nearest, linear or label_linear: the others need equal distances
/// Throws  as straightened; Error{usage} on another interpolation or `smooth`; as resample
Volume resample(SliceStack const& stack, Grid const& onto, Resample const& options = {});

}  // namespace fovea
