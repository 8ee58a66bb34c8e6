#include "base/dicom/pixels.hpp"

#include <cstdint>

// Any bytes: the frames that the header asks for, or an Error.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  try {
    fovea::DicomFile const file{std::as_bytes(std::span{data, size}), "input"};
    auto const shape = fovea::dicom_shape(file.scan());
    if (shape.pixels() * shape.samples > 1 << 20) return 0;
    for (std::int64_t frame = 0; frame < std::min<std::int64_t>(shape.frames, 3); ++frame) {
      auto const image = fovea::decode_frame(file, shape, frame);
      if (image.voxels() != shape.pixels() || image.channels() != shape.samples)
        __builtin_trap();
      fovea::in_colour(image, file.scan());
    }
  } catch (fovea::Error const&) {
  }
  return 0;
}
