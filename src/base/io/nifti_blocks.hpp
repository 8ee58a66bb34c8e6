#pragma once

#include "base/core/draft.hpp"
#include "base/geometry/grids.hpp"
#include "base/io/image_file.hpp"

#include <cstdint>
#include <span>

namespace fovea {

/// A NIfTI file of float32 numbers, several channels of a grid as its fourth axis, that is
/// written and read back box by box and never lies in memory as a whole. Not compressed: a box
/// has a place in it. What was never written is 0.
class NiftiBlocks {
 public:
  /// Beside `file` until it is kept. Throws Error{usage} unless its name ends in .nii,
  /// Error{input} if a size or spacing is not above 0, Error{resource} if the disk has no room
  /// for all of it, or it cannot be made.
  NiftiBlocks(fs::path const& file,
              Grid const& grid,
              std::int64_t channels,
              ImageSpace space = ImageSpace::scanner);
  ~NiftiBlocks();
  NiftiBlocks(NiftiBlocks const&) = delete;
  NiftiBlocks& operator=(NiftiBlocks const&) = delete;

  /// Values are [channel, k, j, i] without gaps. One thread at a time. Throw Error{bug} if the
  /// box does not lie in the grid or the values are not as many; Error{resource} if the disk
  /// fails.
  void write(IndexBox const& box, std::span<float const> values);
  void read(IndexBox const& box, std::span<float> values) const;

  /// Flushes it to the disk and gives it its name, over a file that has it; without this it
  /// vanishes. Throws Error{resource} if that fails.
  void keep();

 private:
  template <class Values, class Use>
  void each_run(IndexBox const& box, Values values, Use&& use) const;

  fs::path file_;
  Grid grid_;
  std::int64_t channels_;
  Draft draft_;
  std::int64_t start_ = 0;  // of the voxels in the file
  int descriptor_ = -1;
};

}  // namespace fovea
