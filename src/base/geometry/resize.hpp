#pragma once

#include "base/image/volume.hpp"

#include <array>
#include <cstdint>

namespace fovea {

/// Options of `resize`: another number of voxels over the same box, as images are made fit for
/// networks. Along an axis whose size stays, nothing is computed.
struct ResizeWith {
  std::array<int, 3> order{1, 1, 1};  ///< along i, j, k: 0 nearest, 1 linear, 3 cubic B-spline
  int threads = 0;                    ///< 0: all usable cores; any number gives the same bits
};

/// A volume of another size over the same box (`with_size`): outer faces fall together and the
/// outermost voxels go on beyond them. No smoothing before.
///
/// In      any type and number of channels
/// Out     f32; computed in float, for 32- and 64-bit whole numbers and f64 in double
/// Throws  Error{usage} if an order is none of these; Error{input} if a size is below 1 or all
///         voxels would exceed 2^40
/// Source  values equal scipy's zoom(mode="nearest", grid_mode=True), which skimage's
///         resize(mode="edge", anti_aliasing=False, clip=False) calls. `resample` onto the same
///         grid differs where cubic is near the edge: there voxels are mirrored
Volume resize(Volume const& volume,
              std::array<std::int64_t, 3> size,
              ResizeWith const& options);

/// The same of labels: of each place the label with the largest weight, where each is a mask of
/// its own (0 and 1). Of labels with exactly the same weight the one whose voxel is nearest if
/// it is among them, else the lowest.
///
/// In      one channel, any type of whole numbers; orders 0 and 1
/// Out     the same type
/// Source  batchgenerators 0.25.5's resize_segmentation, as nnU-Net 2.8.1 calls it, bit for bit
Volume resize_labels(Volume const& labels,
                     std::array<std::int64_t, 3> size,
                     ResizeWith const& options);

}  // namespace fovea
