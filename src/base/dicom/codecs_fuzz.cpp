#include "base/dicom/codec.hpp"

#include <array>
#include <cstdint>

// Eight bytes say which codec and what frame the header tells of; the others are the frame. It
// comes out whole, or an Error.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using fovea::Codec;
  constexpr std::array codecs = {Codec::rle,       Codec::jpeg, Codec::jpeg_ls,
                                 Codec::jpeg_2000, Codec::none, Codec::frames_deflated};
  constexpr std::array bits = {8, 16, 32, 1};
  constexpr std::size_t head = 8;
  if (size < head) return 0;
  fovea::DicomShape shape;
  shape.rows = data[1] | data[2] << 8;
  shape.columns = data[3] | data[4] << 8;
  shape.samples = data[5] % 2 == 0 ? 1 : 3;
  shape.allocated = bits[data[6] % bits.size()];
  shape.planes = data[7] % 2 == 1;
  if (shape.rows == 0 || shape.columns == 0 || shape.pixels() > 1 << 16) return 0;
  fovea::Syntax const syntax{.uid = "", .name = "", .codec = codecs[data[0] % codecs.size()]};
  try {
    auto const frame =
        fovea::unpack_frame(syntax, std::as_bytes(std::span{data + head, size - head}), shape);
    auto const whole = frame.precision > 0
                           ? fovea::frame_samples(shape) * fovea::sample_bytes(shape)
                           : fovea::native_bytes(shape);
    if (frame.bytes.size() != whole) __builtin_trap();
  } catch (fovea::Error const&) {
  }
  return 0;
}
