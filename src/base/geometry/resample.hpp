#pragma once

#include "base/geometry/grids.hpp"

#include <cstdint>

namespace fovea {

/// How a value between voxel centres is made of those around it. x is counted in voxels.
enum class Interpolator {
  nearest,  ///< the voxel that x lies in; a face belongs to the one above. Masks keep labels
  linear,   ///< between the two centres around x, along each axis
  cubic,    ///< B-spline of order 3 through all voxels (Unser 1993), mirrored at edge centres
  lanczos,  ///< sinc over 2 * radius voxels under a sinc window
  hamming,  ///< the same under 0.54 + 0.46 cos
  label_linear  ///< the label with the largest linear weight; of equal ones the lowest
};

/// Options of `resample`. Edges are as in ITK's ResampleImageFilter: a point up to
/// half a voxel outside of the outermost centres is inside ([-0.5, size - 0.5)) and takes the
/// edge's voxel for those that are missing (cubic: the mirrored one); beyond it is `outside`.
struct Resample {
  Interpolator interpolator = Interpolator::linear;
  double outside = 0;   ///< rounded and held in the output's range
  bool as_f32 = false;  ///< else the input's type: halves away from 0, held in its range

  /// Where an axis shrinks f times: first a Gaussian of sqrt((f^2 - 1) / (8 ln 2)) voxels,
  /// which makes a voxel as wide as the new one (Cardoso 2015). Not for nearest and labels.
  bool smooth = false;

  int radius = 4;  ///< of lanczos and hamming, voxels, 1 to 8; SimpleITK's is 5

  /// The weights of a windowed sinc do not add up to 1, so flat regions ripple by about 1 %;
  /// this divides by their sum. ITK does not: false gives its values.
  bool unit_sum = true;

  int threads = 0;  ///< 0: all usable cores; any number gives the same bits

  /// Bytes beside the two volumes for what turned grids need prepared (coefficients of cubic,
  /// smoothed voxels): done in boxes that hold no more, or that are 16 voxels wide.
  /// 0: a quarter of both volumes, at least 16 MiB.
  std::uint64_t memory = 0;
};

/// What a volume shows, on another grid. All channels; a slice is a volume of one.
///
/// In      any type, any grid, also sheared. Values are computed in float where that holds the
///         type exactly, else in double (32- and 64-bit integers, f64); nearest copies
/// Out     on `onto`; its type, see `as_f32`; the input's unit
/// Memory  the two volumes and a few MB a thread; where axes are not parallel, cubic and smooth
///         also hold what `memory` says: 1.25 times both volumes in all
/// Throws  Error{input} if a grid is empty, above 2^40 voxels or degenerate;
///         Error{usage} if an option is out of range
///
/// Parallel axes (in any order, flipped or not, to 1e-4 voxel over the grid) are done axis by
/// axis: several times as fast as turned ones.
Volume resample(Volume const& volume, Grid const& onto, Resample const& options = {});

}  // namespace fovea
