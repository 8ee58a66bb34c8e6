#include "base/dicom/jpeg.hpp"
#include "base/dicom/libjpeg.hpp"

#include <jerror.h>

namespace fovea {
namespace {

void jpeg_8bit_refuse(char const* found) {
  refuse_stream("a whole JPEG", found);
}

// Stored values are asked for, whatever the stream says about their colours: the data set knows
// better.
void jpeg_8bit_begin(LibJpeg& jpeg, std::span<std::byte const> packed) {
  jpeg([&] {
    jpeg.source(packed);
    jpeg_read_header(&jpeg.info, TRUE);
    jpeg.info.jpeg_color_space = JCS_UNKNOWN;
    jpeg.info.out_color_space = JCS_UNKNOWN;
    jpeg_start_decompress(&jpeg.info);
  });
}

}  // namespace

UnpackedFrame unpack_jpeg_8bit(JpegReader& stream,
                               std::span<std::byte const> packed,
                               DicomShape const& shape) {
  // A block takes a bit at least, and holds 64 samples, or as many pixels again where they
  // share their colours.
  if (static_cast<std::uint64_t>(shape.pixels()) / 8 / 64 / 16 > packed.size())
    refuse_stream("a whole JPEG", "only a part of it");
  // Some writers give a sequential scan the numbers of a progressive one.
  LibJpeg jpeg{jpeg_8bit_refuse, JWRN_NOT_SEQUENTIAL};
  jpeg_8bit_begin(jpeg, packed);
  auto const each = static_cast<std::size_t>(stream.frame().columns * shape.samples);
  if (jpeg.info.output_width * static_cast<std::size_t>(jpeg.info.output_components) != each ||
      jpeg.info.output_height != shape.rows)
    refuse_stream("a whole JPEG", "one of two sizes");
  std::vector<std::uint8_t> samples(frame_samples(shape));
  for (auto* row = samples.data(); row != samples.data() + samples.size(); row += each)
    jpeg([&] { jpeg_read_scanlines(&jpeg.info, &row, 1); });
  jpeg([&] { jpeg_finish_decompress(&jpeg.info); });
  return {.bytes = as_samples(std::span<std::uint8_t const>{samples}, sample_bytes(shape))};
}

}  // namespace fovea
