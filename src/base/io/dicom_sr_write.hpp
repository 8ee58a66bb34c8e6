#pragma once

#include "base/finding/measurement.hpp"
#include "base/io/result_source.hpp"

#include <optional>
#include <string>
#include <vector>

namespace fovea {

/// A segmentation that findings refer to.
struct SegReference {
  std::string sop_class{}, sop{}, series{};
  std::vector<Segment> segments{};      ///< what it says of each: names and codes
  std::vector<std::int64_t> numbers{};  ///< of each
};

/// Reads the header of a segmentation. Throws Refusal{not-segmentation};
/// Refusal{other-study, other-frame-of-reference} unless it was made of the same study and lies
/// in the same frame of reference.
SegReference seg_reference(DicomFile const& file, ResultSource const& source);

/// How findings become a report.
struct SrWrite {
  std::string description = "Measurements";  ///< of the series
  std::int64_t series_number = 102;
  std::optional<SegReference> segmentation{};
};

/// A measurement report (PS3.16 TID 1500) as Comprehensive 3D SR (PS3.3 A.35.13): a group for
/// each finding, with its segment (TID 1411), its region (TID 1410) or the images that it was
/// measured on (TID 1501); the images of the source as its library, all that is referred to as
/// its evidence. The data set is identified and can be written. A finding without tracking
/// identifiers gets those that follow from what it is and from the source.
///
/// Number   the nearest that 16 characters hold, and the exact one beside it where that is
/// another Region   coordinates are float32, as the standard has them Throws   Refusal{empty}
/// without findings; Refusal{unknown-segment} if a finding names one that
///          the segmentation lacks, or there is none; Refusal{no-frame-of-reference} for
///          regions; as check(Finding)
DicomData dicom_sr(std::vector<Finding> const& findings,
                   ResultSource const& source,
                   SrWrite const& options = {});

}  // namespace fovea
