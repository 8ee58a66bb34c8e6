#pragma once

#include "base/io/dicom_moment.hpp"
#include "base/io/dicom_series.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace fovea {

/// Which volumes become one with a fourth axis.
enum class MergeBy {
  nothing,
  time,  ///< time points, phases, repeated acquisitions, b-values and gradients
  all    ///< and echoes
};
std::optional<MergeBy> merge_by_of(std::string_view name);  ///< "none", "time", "all"

/// Volumes of one series that share one grid exactly (0.001 mm) and differ in nothing but those
/// become one, whose slices stand volume by volume: by echo, time point, acquisition, trigger
/// time, acquisition time, b-value and gradient. What is refused, coloured or without a place
/// stays alone, and so do volumes of another kernel or image type (magnitude and phase). Reads
/// a header of each. Its note `merged` says how many and what they differ in.
std::vector<DicomSeries> merged(std::vector<DicomSeries> series, MergeBy by);

/// Seconds between the volumes, if all say when they were acquired (or triggered) and the steps
/// are equal (5 %); else none.
std::optional<double> step_of(std::vector<DicomMoment> const& volumes);

}  // namespace fovea
