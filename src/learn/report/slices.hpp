#pragma once

#include "base/image/volume.hpp"

#include <vector>

namespace fovea {

/// A slice with outlines, for people: u8, three channels. Pixels are square, 240 to `most`
/// along the longer side; each is the mean of the voxels that it covers.
///
/// In      image: one channel or three; a picture of 8 bits keeps its range, all else is
///         stretched from the volume's percentile 1 to 99. Labels (null: none) on its voxels:
///         what was found has a colour for each, told apart also by those who see red and green
///         alike; the truth is white
///         axis: 2 rows along j, 1 and 0 rows along k, the last one on top; at: along it
Volume slice_picture(Volume const& image,
                     Volume const* found,
                     Volume const* truth,
                     std::size_t axis,
                     std::int64_t at,
                     double most = 512);

/// The slice along an axis with the most labelled voxels; the middle one if there is none.
std::int64_t fullest_slice(Volume const& labels, std::size_t axis);

/// Of an image, what was found and what is true: the slices through the most of the truth (else
/// of what was found), axial, coronal and sagittal, the patient's right at the left and the
/// head or front on top; of a picture itself. Volumes on one grid.
std::vector<Volume> slice_pictures(Volume const& image,
                                   Volume const& found,
                                   Volume const* truth);

}  // namespace fovea
