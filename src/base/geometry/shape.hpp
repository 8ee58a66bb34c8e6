#pragma once

#include "base/geometry/diameters.hpp"
#include "base/geometry/marked.hpp"

#include <cstdint>
#include <optional>
#include <span>

namespace fovea {

/// What a segment measures in the patient.
struct SegmentShape {
  std::int64_t voxels = 0;
  double volume_mm3 = 0;        ///< voxels times the voxel's volume, also of a sheared grid
  double surface_mm2 = 0;       ///< surface_area_mm2
  std::int64_t components = 0;  ///< that share no corner (26 neighbours)
  Point centre;                 ///< mean of the voxels' centres
  Index centre_ijk;             ///< the same, in voxels
  IndexBox box;
  WorldBox extent;  ///< around the outer faces of the voxels of `box`, along the patient's axes
  Diameter longest;      ///< longest_diameter
  std::size_t axis = 2;  ///< axial_axis
  SliceDiameters axial;  ///< slice_diameters across `axis`

  /// Root of the variance of the voxels' centres along their principal axes, mm, largest first.
  std::array<double, 3> spread_mm{};
  /// spread[1] / spread[0] and spread[2] / spread[0], as PyRadiomics: 1 is a ball, 0 a line or
  /// a plane. None of a single voxel.
  std::optional<double> elongation, flatness;
};

/// Of the voxels with one value, as marked_of counted them in the same labels.
SegmentShape shape_of(Volume const& labels, Marked const& marked, int threads = 0);

/// What an image shows within a segment, in the image's unit. Values that are no finite numbers
/// are left out and counted; without any other there is nothing but that count.
struct Intensities {
  std::int64_t voxels = 0, left_out = 0;
  double mean = 0, deviation = 0;  ///< of all voxels: divided by their number
  double least = 0, most = 0;
  double p5 = 0, p25 = 0, median = 0, p75 = 0, p95 = 0;  ///< percentile_of
};

/// One channel each. Throws Error{input} unless both are the same places.
Intensities intensities_of(Volume const& image, Volume const& labels, Marked const& marked);

}  // namespace fovea
