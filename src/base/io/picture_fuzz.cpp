#include "base/io/picture.hpp"
#include "base/io/resolution.hpp"

#include <cstdint>

// Any bytes: a picture of at most the pixels allowed, of u8 or u16, or an Error; as it is shown
// and as it is stored.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  constexpr fovea::PictureLimits limits{.pixels = 250'000, .file = 1 << 20};
  fovea::picture_spacing(std::as_bytes(std::span{data, size}));
  for (auto const numbers : {fovea::PictureNumbers::shown, fovea::PictureNumbers::stored}) {
    try {
      auto const picture =
          fovea::decode_picture(std::as_bytes(std::span{data, size}), "input", limits, numbers);
      auto const fits =
          picture.voxels() <= limits.pixels && picture.depth() == 1 &&
          (picture.channels() == 1 || picture.channels() == 3) &&
          (picture.type() == fovea::Type::u8 || picture.type() == fovea::Type::u16);
      if (!fits) __builtin_trap();
    } catch (fovea::Error const&) {
    }
  }
  return 0;
}
