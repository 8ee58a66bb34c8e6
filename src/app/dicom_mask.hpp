#pragma once

#include "app/dicom.hpp"
#include "base/finding/label_map.hpp"

namespace fovea {

/// MASK, --labels, --resample and who made it: what the writers of segmentations, structures
/// and reports share.
struct DicomMask {
  std::string mask, resample;
  std::vector<std::string> labels;
  DicomMade made;
};
void offer(CLI::App& app, DicomMask& mask);

/// The mask as a label map on the source's grid, its segments named and signed; a DICOM
/// segmentation keeps its own names. Throws Error{usage, input} with what was expected; as
/// placed_image, onto_source and name_and_sign.
LabelMap label_map_of(DicomMask const& mask, ResultSource const& source, Stop const& stop);

/// Names the segments as --labels says, signs them, and warns of names without a standard code.
/// Throws as read_label_names and name_segments.
void name_and_sign(LabelMap& map, DicomMask const& mask);

}  // namespace fovea
