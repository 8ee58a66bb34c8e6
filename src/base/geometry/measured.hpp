#pragma once

#include "base/finding/measurement.hpp"
#include "base/geometry/shape.hpp"

#include <vector>

namespace fovea {

/// What the segments of a label map measure, as findings with coded quantities: volume (mm3),
/// surface (mm2), longest diameter, longest way within an axial slice and across it (mm), and,
/// of an image in Hounsfield units, mean, deviation, least and most within. A segment without a
/// voxel has a volume of 0 and nothing else: looked for, not found.
///
/// `image`  on the map's grid, one channel; other units than HU have no quantity here, and are
/// left Throws   Error{input} on fractions, or an image of other places
std::vector<Finding> measured(LabelMap const& map, Volume const* image = nullptr);

}  // namespace fovea
