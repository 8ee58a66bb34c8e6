#pragma once

#include "base/image/volume.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace fovea {

/// A closed surface of triangles, LPS in mm; seen from outside, corners run against the clock.
struct Mesh {
  std::vector<Point> points;
  std::vector<std::array<std::uint32_t, 3>> triangles;
};

/// Around all voxels of a mask that are not 0, through the middles between a voxel's centre and
/// that of its neighbour outside; also where the mask ends at the volume's faces.
///
/// In      one channel, any type, any grid, also sheared
/// Out     closed and without seams: each edge belongs to two triangles that run along it in
///         opposite directions, the triangles around a point are one ring. Voxels that touch
///         along an edge or at a corner only are not joined. The same mask gives the same bytes
/// Memory  the box around the mask, a byte a voxel, and the mesh
/// Source  marching cubes (Lorensen, Cline 1987) with one rule for faces that are marked at
///         opposite corners, so that cells agree; loops that lie twice on a face get a point in
///         their middle
/// Throws  Error{input} if there is more than one channel, or the axes are not three different
///         directions; Error{resource} above 2^32 - 1 points
Mesh mesh_of(Volume const& mask);

/// Moves each point towards the middle of its neighbours and back again, `rounds` times: what
/// is fine is smoothed, what is wide keeps its size (Taubin 1995, 0.5 and -0.53; below a tenth
/// of the frequencies all is kept).
void smooth(Mesh& mesh, int rounds, int threads = 0);

double area_mm2(Mesh const& mesh);
/// What it holds; above 0 if the triangles face outwards.
double volume_mm3(Mesh const& mesh);

}  // namespace fovea
