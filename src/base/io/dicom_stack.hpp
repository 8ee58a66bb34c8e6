#pragma once

#include "base/geometry/stack.hpp"
#include "base/io/dicom_series.hpp"

namespace fovea {

/// Whether a series is refused only because the distance between its slices changes: every
/// slice says where it lies. One with a missing slice is none: what was there nobody knows.
bool is_stack(DicomSeries const& series);

/// Its voxels, as load_series, and the place of every slice: for `resample` onto a grid.
/// Throws Refusal{the first reason} unless it is one; Refusal{irregular-positions} if slices
/// also lie beside the line of their neighbours, by more than 1 % of the distance or 0.001 mm;
/// as load_series.
SliceStack load_stack(DicomSeries const& series, int threads = usable_cores());

}  // namespace fovea
