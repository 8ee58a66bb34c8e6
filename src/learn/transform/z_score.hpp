#pragma once

#include "base/image/volume.hpp"

namespace fovea {

/// Takes off each channel's mean and divides by its deviation: for pictures whose scale means
/// nothing, such as MR. A constant channel becomes 0.
///
/// In   a picture, any type and channels
/// Out  f32, same size, each channel of mean 0 and deviation 1 (over its pixels, not minus one)
struct ZScore {
  Volume operator()(Volume const& image) const;
};

}  // namespace fovea
