#pragma once

#include "app/dicom.hpp"
#include "base/finding/label_map.hpp"

namespace fovea {

/// MASK, --labels, --resample and who made it: what the writers of structures and reports
/// share.
struct DicomMask {
  std::string mask, resample;
  std::vector<std::string> labels;
  DicomMade made;
};
void offer(CLI::App& app, DicomMask& mask);

/// The mask as a label map on the source's grid, its segments named and signed. Of names
/// without a standard code it warns. Throws Error{usage, input} with what was expected; as
/// placed_image, onto_source and name_segments.
LabelMap label_map_of(DicomMask const& mask, ResultSource const& source, Stop const& stop);

}  // namespace fovea
