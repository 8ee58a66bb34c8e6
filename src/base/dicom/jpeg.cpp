#include "base/dicom/jpeg.hpp"

#include <algorithm>

namespace fovea {
namespace {

struct JpegRow {
  int process;
  int lowest, highest;  // bits
  UnpackedFrame (*unpack)(JpegReader&, std::span<std::byte const>, DicomShape const&);
};

constexpr JpegRow jpeg_rows[] = {
    {0, 8, 8, unpack_jpeg_8bit},      {1, 8, 8, unpack_jpeg_8bit},
    {2, 8, 8, unpack_jpeg_8bit},      {1, 12, 12, unpack_jpeg_extended},
    {3, 2, 16, unpack_jpeg_lossless},
};

}  // namespace

// By the stream's own header: files say one process and hold another.
UnpackedFrame unpack_jpeg(std::span<std::byte const> packed, DicomShape const& shape) {
  JpegReader stream{packed};
  auto const& frame = stream.frame();
  auto const row = std::ranges::find_if(jpeg_rows, [&](JpegRow const& each) {
    return each.process == frame.process && frame.precision >= each.lowest &&
           frame.precision <= each.highest;
  });
  if (row == std::end(jpeg_rows))
    refuse_codec(text("JPEG of process ", frame.process, " with ", frame.precision, " bits"));
  check_codec_head({.codec = "JPEG",
                    .rows = frame.rows,
                    .columns = frame.columns,
                    .samples = std::ssize(frame.components),
                    .precision = frame.precision},
                   shape);
  auto out = row->unpack(stream, packed, shape);
  out.precision = frame.precision;
  return out;
}

}  // namespace fovea
