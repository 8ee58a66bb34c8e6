#pragma once

#include "base/finding/label_map.hpp"
#include "base/io/result_source.hpp"

#include <string>

namespace fovea {

/// How a label map becomes a DICOM segmentation.
struct SegWrite {
  /// One integer a voxel instead of one bit a voxel and segment (label map segmentation, PS3.3
  /// A.51 with SegmentationType LABELMAP): smaller where there are many; read by newer programs
  /// only. One layer.
  bool labels = false;
  bool occupancy = false;  ///< a fraction is a share of the voxel, not a probability
  std::string description = "Segmentation";  ///< of the series
  std::int64_t series_number = 100;
  std::string creator = {};  ///< a person's name, where a person made it
};

/// A segmentation (PS3.3 A.51) on the frames of the source: each where its slice lies, also of
/// a tilted series; frames without a voxel are left out. Segments may overlap. The data set is
/// identified and can be written.
///
/// Fraction  values 0 to 1 become 0 to 255, rounded to the nearest: 1/510 off at most
/// Codes     a segment without some gets those of its name (segment_named)
/// Throws    Refusal{other-grid} if the map is not on the source's grid;
///           Refusal{no-frame-of-reference, no-position}; Refusal{empty} without segments;
///           Refusal{bad-fraction} beyond 0 to 1; Error{usage} if several layers are to be
///           labels; Error{input} on names and codes that DICOM cannot hold, more than 65535
///           segments
DicomData dicom_seg(LabelMap const& map,
                    ResultSource const& source,
                    SegWrite const& options = {});

}  // namespace fovea
