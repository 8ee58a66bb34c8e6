#pragma once

#include "base/finding/label_map.hpp"
#include "base/io/result_source.hpp"

#include <string>

namespace fovea {

/// How a label map becomes an RT structure set.
struct RtWrite {
  std::string label = "Fovea";             ///< of the structure set; at most 16 characters
  std::string description = "Structures";  ///< of the series
  std::int64_t series_number = 101;
};

/// An RT structure set (PS3.3 A.19) on the slices of the source. Each segment becomes a region,
/// its value the number where no two have the same. Contours follow the faces of voxels
/// (outlines_of), holes are joined by keyholes: they enclose exactly the volume of the voxels,
/// and label_map_of makes the same mask of them. Points are written to 10^-6 mm. The data set
/// is identified and can be written.
///
/// Throws  Refusal{other-grid} if the map is not on the source's grid;
///         Refusal{no-frame-of-reference, no-position}; Refusal{empty} without segments;
///         Refusal{fractional} on fractions; Error{input} on names and codes that DICOM cannot
///         hold
DicomData dicom_rtstruct(LabelMap const& map,
                         ResultSource const& source,
                         RtWrite const& options = {});

}  // namespace fovea
