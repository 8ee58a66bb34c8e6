#pragma once

#include "base/image/volume.hpp"
#include "learn/report/colours.hpp"

#include <vector>

namespace fovea {

/// Pixels along the longer side of a slice: fewer voxels are enlarged to `least`, more are
/// averaged to `most`.
struct SliceSize {
  double least = 240, most = 512;
};

/// A slice with outlines, for people: u8, three channels. Pixels are square; each is the mean
/// of the voxels that it covers, or lies between the voxels around it. Outlines follow voxels
/// to half of one: they are smoothed where voxels are enlarged.
///
/// In      image: one channel or three; a picture of 8 bits keeps its range; of CT in
///         Hounsfield units soft tissue (-160 to 240) has most shades, lung and bone the rest;
///         all else is stretched from the volume's percentile 1 to 99. Labels (null: none) on
///         its voxels: what was found has a colour for each, told apart also by those who see
///         red and green alike; the truth is white
///         axis: 2 rows along j, 1 and 0 rows along k, the last one on top; at: along it
Volume slice_picture(Volume const& image,
                     Volume const* found,
                     Volume const* truth,
                     std::size_t axis,
                     std::int64_t at,
                     SliceSize const& size = {});

/// What a label (from 1) is outlined in, where it was found.
Rgb slice_colour(std::int64_t label);

/// The slice along an axis that shows most of the labels: of each the share of its largest
/// section, added up, so that a small one counts as much as a large one. The middle slice if
/// there is none.
std::int64_t fullest_slice(Volume const& labels, std::size_t axis);

/// Of an image, what was found and what is true: the fullest slices of the truth (else
/// of what was found), axial, coronal and sagittal, the patient's right at the left and the
/// head or front on top; of a picture itself. Volumes on one grid.
std::vector<Volume> slice_pictures(Volume const& image,
                                   Volume const& found,
                                   Volume const* truth,
                                   SliceSize const& size = {});

/// The three of slice_pictures in one picture: the axial one at the left, the others beside it,
/// one above the other, on black. One picture stays as it is.
Volume slice_sheet(std::vector<Volume> const& pictures);

}  // namespace fovea
