#pragma once

#include "base/image/volume.hpp"

#include <vector>

namespace fovea {

/// A slice with outlines, for people: u8, three channels. Pixels are square; left is the
/// patient's right in axial and coronal slices, up is in front or the head.
///
/// In      image: one channel or three, its grey values between percentiles 1 and 99 stretched;
///         truth is drawn in white (none: no voxels), what was found in a colour a label
///         axis: that of the slice, 2 axial, 1 coronal, 0 sagittal; at: along it; both of
///         volumes that run LPS
Volume slice_picture(Volume const& image,
                     Volume const* found,
                     Volume const* truth,
                     std::size_t axis,
                     std::int64_t at);

/// Of an image, what was found and what is true: the slices through the most of the truth (else
/// of what was found), axial, coronal, sagittal; of a picture itself. Volumes on one grid.
std::vector<Volume> slice_pictures(Volume const& image,
                                   Volume const& found,
                                   Volume const* truth);

}  // namespace fovea
