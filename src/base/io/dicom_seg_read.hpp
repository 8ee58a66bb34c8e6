#pragma once

#include "base/core/pool.hpp"
#include "base/dicom/scan.hpp"
#include "base/finding/label_map.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace fovea {

/// A DICOM segmentation: binary, fractional or a label map (PS3.3 A.51, C.8.20, C.8.23).
///
/// Grid     all places from the first frame to the last at equal steps; what has no frame is 0
/// Layers   one if no segments overlap, values are segment numbers; else as many as are needed.
///          Of a fractional one a layer for each segment, value / maximum
/// Throws   Refusal: what the gate refuses, as decode_frame does; not-segmentation,
///          unknown-segment (a frame or voxel of none that is listed), unsupported-type,
///          bad-scaling (a maximum of 0, or values above it), too-large
LabelMap read_dicom_seg(DicomFile const& file, int threads = usable_cores());

/// What the header says of each segment, by its number; layers are not known yet.
std::vector<Segment> segments_of(DicomItem const& root);

/// Red, green, blue (sRGB) of a colour as DICOM writes it (PS3.3 C.10.7.1.1): CIELab with the
/// white point D65, each part scaled to 0 … 65535.
std::array<std::uint8_t, 3> colour_of_cielab(std::array<double, 3> const& scaled);

}  // namespace fovea
