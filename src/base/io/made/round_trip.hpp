#pragma once

#include "base/core/error.hpp"
#include "base/io/image_file.hpp"

#include <cmath>
#include <cstring>

// What the fuzz targets of the formats of volumes share.
namespace fovea {

/// Any bytes are an image that lies somewhere and can be written and read back, or an Error.
/// `read` gets bytes and limits, `write` an image.
template <class Read, class Write>
void fuzz_round_trip(std::span<std::byte const> bytes, Read const& read, Write const& write) {
  try {
    auto const image = read(bytes, ImageLimits{.bytes = 1 << 20});
    for (auto const& axis : image.volume.grid().axes) {
      for (auto const value : axis.mm) {
        if (!std::isfinite(value)) __builtin_trap();
      }
    }
    auto const written = write(image);
    // Scaled voxels are wider than those in the file were.
    auto const again = read(written, ImageLimits{.bytes = 1 << 24});
    auto const& one = image.volume;
    auto const& other = again.volume;
    if (one.type() != other.type() || one.byte_count() != other.byte_count() ||
        std::memcmp(one.bytes().get(), other.bytes().get(), one.byte_count()) != 0 ||
        again.more != image.more || again.colour != image.colour || again.space != image.space)
      __builtin_trap();
  } catch (Error const&) {
  }
}

}  // namespace fovea
