#pragma once

#include "base/image/volume.hpp"

#include <array>

namespace fovea {

/// Shares of red, green and blue in brightness (ITU-R BT.601).
inline constexpr std::array<float, 3> rec601{0.299F, 0.587F, 0.114F};

/// One channel out of three by Rec. 601; a grey picture stays as it is.
///
/// In      a picture of 1 or 3 channels, any type
/// Out     f32, 1 channel, values unscaled
/// Throws  Error{input} for any other number of channels
struct Grey {
  Volume operator()(Volume const& image) const;
};

/// Three equal channels out of one; a colour picture stays as it is.
///
/// In      a picture of 1 or 3 channels, any type
/// Out     f32, 3 channels, values unscaled
/// Throws  Error{input} for any other number of channels
struct Colour {
  Volume operator()(Volume const& image) const;
};

}  // namespace fovea
