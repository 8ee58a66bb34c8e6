#pragma once

#include "base/image/volume.hpp"

#include <span>

namespace fovea {

/// What is measured to, always to the centre of a voxel.
enum class DistanceTo {
  marked,    ///< the nearest voxel that is not 0: 0 inside
  unmarked,  ///< the nearest that is 0: 0 outside. What lies beyond the volume is unknown
  border     ///< the nearest of border_of: 0 on it
};

struct DistanceOptions {
  DistanceTo to = DistanceTo::border;
  bool inside_negative = false;  ///< the sign of a voxel that is not 0
  int threads = 0;               ///< 0: all usable cores; any number gives the same bits
};

/// How far each voxel's centre is from the nearest of a kind, in mm: exact (to 3e-7 of it).
///
/// In      one channel, any type, axes at right angles
/// Out     f32 on the same grid; infinity where there is none of that kind
/// Memory  the output, two bytes a voxel, a few columns a thread
/// Source  lower envelope of parabolas along each axis in turn (Felzenszwalb, Huttenlocher
/// 2012) Throws  Error{input} if there is more than one channel, or the grid is sheared: the
/// nearest
///         of a row is then not the row's nearest
Volume distance_map(Volume const& mask, DistanceOptions const& options = {});

/// The voxels of a mask that have a neighbour across a face that is 0, or beyond the volume:
/// the mask without its erosion, which scipy, MONAI and MedPy take for its surface. u8. A
/// volume of one slice is a picture: its voxels have four neighbours.
Volume border_of(Volume const& mask, int threads = 0);
/// The same of a part of a volume: whether that is a picture is said.
Volume border_of_part(Volume const& mask, bool picture, int threads = 0);

/// Throws Error{input} if the grid's axes are not at right angles, naming what was to be
/// measured.
void expect_straight(Grid const& grid, std::string_view what);

/// Inside of distance_map: `out` gets the squares in units of the first spacing, `sources` is
/// not 0 where the distance is 0.
void squared_distances(std::array<std::int64_t, 3> const& size,
                       Spacing spacing,
                       std::span<std::uint8_t const> sources,
                       std::span<float> out,
                       int threads);

}  // namespace fovea
