#pragma once

#include "base/image/volume.hpp"

namespace fovea {

/// The area of a mask's surface, mm2, by how often straight lines cross it: along the 13
/// directions to a voxel's neighbours, each weighted by the directions that it is the nearest
/// of. No bias for surfaces that face all ways, whatever the spacing (a ball of 5 voxels or
/// more across: 2 %); of a box along the axes up to an eighth is missed.
///
/// In      u8, 0 and 1, one channel, any grid, also sheared; beyond the volume is outside
/// Source  Crofton's formula as in Lehmann, Legland, Insight Journal 2012
double surface_area_mm2(Volume const& mask, int threads = 0);

}  // namespace fovea
