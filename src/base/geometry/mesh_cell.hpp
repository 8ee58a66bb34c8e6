#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace fovea {

/// How a surface cuts a cell of eight voxel centres. Corner n lies at (n & 1, n >> 1 & 1,
/// n >> 2 & 1) of i, j, k; edge n runs along axis n / 4.
struct MeshLoop {
  std::vector<std::uint8_t> edges;  ///< in turn around the loop
  bool centred = false;  ///< to be filled from a point in its middle, not from its first edge
};

/// Along which axis an edge runs, and the corner at its lower end.
struct MeshEdge {
  unsigned axis = 0;
  unsigned corner = 0;
};
MeshEdge mesh_edge(std::size_t edge);

/// Of a cell whose corners are marked as the bits say; on a grid that is not mirrored, loops
/// run against the clock seen from outside of what is marked.
std::span<MeshLoop const> mesh_loops(unsigned corners);

}  // namespace fovea
