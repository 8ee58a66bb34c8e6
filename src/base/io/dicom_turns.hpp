#pragma once

#include "base/io/dicom_series.hpp"

#include <vector>

namespace fovea {

/// Parts images that share places, sorted along the normal, so that each part has one at every
/// place; empty if nothing says which belong together.
///
/// Goes through the lines of `turn`, one after the other: a line parts images if each of its
/// values has as many of them, at the same places; what is left doubled is parted by the lines
/// behind it. A line of times (they begin with `t`), which may differ between slices, parts
/// them by its order, too: the first image of each place, the second of each, …
std::vector<std::vector<DicomSlice>> turns_of(std::vector<DicomSlice> const& sorted);

}  // namespace fovea
