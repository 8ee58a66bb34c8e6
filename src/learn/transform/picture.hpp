#pragma once

#include "base/image/volume.hpp"

#include <string_view>

namespace fovea {

/// Throws Error{input} naming `who` if the volume has more than one slice.
void expect_picture(Volume const& image, std::string_view who);

/// The same values as f32 in voxels of its own, free to be written.
Volume float_copy(Volume const& image);

/// Zeros as f32 on the grid and with the channels of `image`, which must be a picture.
Volume float_like(Volume const& image, std::string_view who);

}  // namespace fovea
