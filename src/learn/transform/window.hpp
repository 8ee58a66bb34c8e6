#pragma once

#include "base/image/volume.hpp"

namespace fovea {

/// Clamps values to [low, high] and scales them to 0 … 1.
///
/// In      a picture, any type and channels
/// Out     f32, same size, unit one; not a number stays so
/// Throws  Error{usage} unless low < high
struct Window {
  double low = 0;     ///< stored value that becomes 0
  double high = 255;  ///< stored value that becomes 1

  Volume operator()(Volume const& image) const;
};

}  // namespace fovea
