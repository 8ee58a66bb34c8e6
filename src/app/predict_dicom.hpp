#pragma once

#include "base/core/file.hpp"
#include "base/finding/label_map.hpp"
#include "base/io/dicom_series.hpp"

namespace fovea {

/// Where the masks of a DICOM series are written, and as what.
struct MaskObjects {
  fs::path file;
  bool contours = false;  ///< a structure set, not a segmentation
  fs::path report = {};   ///< a measurement report of them, too; empty: none
};

/// Writes a segmentation or a structure set of the series, and before it, if it is asked for,
/// what its structures measure (TID 1500), with the segments and the images that it was
/// measured on.
///
/// `image`  the voxels of the series on the map's grid: of one channel in Hounsfield units,
/// means
///          and the like are reported, too
/// Throws   as result_source, dicom_seg, dicom_rtstruct, measured, dicom_sr, write_dicom
void write_mask_objects(LabelMap const& map,
                        DicomSeries const& series,
                        Volume const& image,
                        MaskObjects const& objects);

}  // namespace fovea
