#pragma once

#include "base/geometry/grids.hpp"

#include <cstdint>
#include <vector>

namespace fovea {

/// Which voxels touch: those that share a face, also those that share an edge, also those that
/// share a corner. Of a single slice: 4, 8 and 8 neighbours.
enum class Neighbours { faces = 6, edges = 18, corners = 26 };

enum class ComponentOrder {
  first,  ///< by the first voxel, i fastest, then j, then k
  size    ///< the largest first; of equal ones by the first voxel
};

struct ComponentOptions {
  Neighbours neighbours = Neighbours::corners;
  ComponentOrder order = ComponentOrder::first;
  int threads = 0;  ///< 0: all usable cores; any number gives the same bits
};

/// Voxels of one value that hang together.
struct Component {
  std::int64_t value = 0;
  std::int64_t voxels = 0;
  IndexBox box;
};

struct Components {
  Volume labels;                 ///< u32: 0 where the input is 0, n + 1 in parts[n]
  std::vector<Component> parts;  ///< in the order asked for
};

/// The connected components of whole numbers: voxels that are not 0, of the same value, and
/// touch. Different values are never one component.
///
/// In      one channel, any type of whole numbers, any grid
/// Out     on the same grid
/// Memory  labels, 12 bytes for each run of equal voxels along i and 4 for each row
/// Source  union-find over runs (He, Chao, Suzuki 2008), slab by slab on threads
/// Throws  Error{input} if the voxels are fractions, or there is more than one channel;
///         Error{resource} above 2^32 - 2 runs
Components components(Volume const& labels, ComponentOptions const& options = {});

/// The same list without the volume of labels.
std::vector<Component> component_list(Volume const& labels,
                                      ComponentOptions const& options = {});

}  // namespace fovea
