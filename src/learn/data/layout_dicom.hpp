#pragma once

#include "learn/data/layout.hpp"

namespace fovea {

/// DICOM series below a folder, with segmentations (SEG) or structure sets (RTSTRUCT) that
/// refer to them: by the series they name or the images their contours were drawn on, else by
/// the frame of reference if one series alone has it. A case is a series that the gate lets
/// through with its mask; the patient is the one of its header. Labels are the names of all
/// segments and regions with closed contours, in natural order. Folders train, val, test at the
/// top are splits.
///
/// Masks  brought onto the series' slices by their places; what lies outside of them is left
/// out.
///        Fractions count from a half. Where structures overlap the smaller is on top
/// Throws Error{input} if there are masks and none belongs to a series
std::optional<Dataset> read_dicom_layout(fs::path const& root,
                                         ReadOptions const& options,
                                         std::vector<std::string>& nearly);
std::string also_dicom_layout(fs::path const& root);

}  // namespace fovea
