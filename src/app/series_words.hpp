#pragma once

#include "base/io/dicom_series.hpp"

namespace fovea {

/// What people call a series, in UTF-8: from the header of its first file.
struct SeriesWords {
  std::string patient;     ///< its ID
  std::string study;       ///< its UID
  std::string study_date;  ///< "2003-05-05", or as it is written
  std::string study_description;
  std::string number, description;  ///< of the series
};

/// Empty where the file does not say, or is no longer there.
SeriesWords words_of(DicomSeries const& series);

}  // namespace fovea
