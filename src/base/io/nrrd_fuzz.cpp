#include "base/io/nrrd.hpp"

#include <cmath>
#include <cstdint>
#include <cstring>

// Any bytes: an image that lies somewhere and can be written and read back, or an Error.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  constexpr fovea::ImageLimits limits{.bytes = 1 << 20};
  try {
    auto const image =
        fovea::decode_nrrd(std::as_bytes(std::span{data, size}), "input", limits);
    for (auto const& axis : image.volume.grid().axes) {
      for (auto const value : axis.mm) {
        if (!std::isfinite(value)) __builtin_trap();
      }
    }
    auto const bytes = fovea::encode_nrrd(image, {.packed = size % 2 == 0, .level = 1});
    auto const again = fovea::decode_nrrd(bytes, "written", limits);
    auto const& one = image.volume;
    auto const& other = again.volume;
    if (one.type() != other.type() || one.byte_count() != other.byte_count() ||
        std::memcmp(one.bytes().get(), other.bytes().get(), one.byte_count()) != 0 ||
        again.more != image.more || again.colour != image.colour || again.space != image.space)
      __builtin_trap();
  } catch (fovea::Error const&) {
  }
  return 0;
}
