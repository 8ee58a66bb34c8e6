#pragma once

#include "base/io/result_source.hpp"

#include <string>

namespace fovea {

/// What the values of a parametric map are.
struct PmapWrite {
  Code unit{"1", "UCUM", "no units"};  ///< {"mm2/s", "UCUM", "mm2/s"}
  Code quantity{};                     ///< {"113041", "DCM", "Apparent Diffusion Coefficient"}
  std::string description = "Parametric map";  ///< of the series
  std::int64_t series_number = 101;
  Provenance made_by{};
};

/// A parametric map (PS3.3 A.75) on the frames of the source, each where its slice lies. The
/// data set is identified and can be written.
///
/// Values  as they are: f32, or f64 where f32 does not hold the type (32-bit integers, f64)
/// Throws  Refusal{other-grid, no-frame-of-reference, no-position} as dicom_seg;
///         Refusal{not-finite}; Error{input} on several channels, 64-bit integers, a code that
///         lacks a part
DicomData dicom_pmap(Volume const& volume,
                     ResultSource const& source,
                     PmapWrite const& options);

}  // namespace fovea
