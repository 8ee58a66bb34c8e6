#pragma once

#include "base/geometry/turned.hpp"

#include <functional>

namespace fovea {

/// A volume that is read in parts, because the whole would take too much memory.
struct VolumeParts {
  Grid grid;
  Type type = Type::f32;
  Unit unit = Unit::arbitrary;
  std::int64_t channels = 1;
  /// At least the voxels of a box, in all channels, as `type`. Called by one thread at a time.
  ReadPart read;
};

/// Takes slices `first` and on of what becomes of it: one slab after the other, from slice 0.
using TakeSlab = std::function<void(Volume const& slab, std::int64_t first)>;

/// The same as resample, bit for bit, of a volume that need not fit into memory.
///
/// Memory  a slab and the part that it is made of: `options.memory` bytes together (0: 256
/// MiB),
///         or one slice with what that is made of, if it is more; turned grids: one slice with
///         boxes of 16 voxels. A few MB a thread beside it
/// Throws  as resample, and whatever `parts.read` and `take` throw
void resample_slabs(VolumeParts const& parts,
                    Grid const& onto,
                    Resample const& options,
                    TakeSlab const& take);

}  // namespace fovea
