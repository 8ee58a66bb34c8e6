#pragma once

#include "base/io/result_source.hpp"

#include <string>

namespace fovea {

struct ScWrite {
  std::string description = "Picture";  ///< of the series
  std::int64_t series_number = 102;
  Provenance made_by{};
  bool words = true;  ///< below the picture: who made it, of images of when
};

/// A picture (an overlay, a plot) as a secondary capture (PS3.3 A.8.1) beside the images that
/// it shows: it says who made it, of which images and when those were taken. It has no place in
/// the patient. Never the only form of a number: nobody can measure in it. The same is said in
/// words below its pixels, which every viewer shows (with_words_below).
///
/// In      u8 of 1 or 3 channels, or u16 of 1
/// Throws  Error{input} on another picture
DicomData dicom_sc(Volume const& picture,
                   ResultSource const& source,
                   ScWrite const& options = {});

}  // namespace fovea
