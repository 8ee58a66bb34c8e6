#pragma once

#include "base/geometry/grids.hpp"

#include <optional>

namespace fovea {

/// The box of voxels in which any channel is not zero, and the mask inside of it: holes (which
/// no way through faces leads out of, as of scipy's binary_fill_holes) belong to it. Where
/// all is zero: everything, and an empty mask. Source: nnU-Net's crop_to_nonzero.
struct NonzeroBox {
  IndexBox box;                ///< i, j, k
  std::optional<Volume> mask;  ///< of the box, u8: 1 inside; none if every voxel is
};
NonzeroBox nonzero_box(Volume const& image);

/// Throws Error{input} unless labels are one channel of whole numbers 0 ... 32767 on as many
/// voxels as the image has.
void expect_labels(Volume const& labels, Volume const& image);

/// Throws Error{input} with the first place where a voxel is not a finite f32.
void expect_finite(Volume const& image);

}  // namespace fovea
