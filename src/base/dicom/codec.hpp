#pragma once

#include "base/dicom/pixels.hpp"

#include <cstring>
#include <string_view>

// What the codecs of encapsulated pixels share. Inside base/dicom only: others call
// decode_frame.
namespace fovea {

/// A frame out of its codec.
struct UnpackedFrame {
  Bytes bytes{};        ///< samples as wide as the header allocates, lowest byte first
  bool planes = false;  ///< colour by colour, not pixel by pixel
  int precision = 0;    ///< bits of a sample in the stream; 0: it does not say, and single bits
                        ///< lie eight in a byte
  bool negative = false;  ///< the stream has signs of its own
};

/// What a stream says about itself.
struct CodecHead {
  std::string_view codec{};  ///< "JPEG-LS"
  std::int64_t rows = 0, columns = 0, samples = 0;
  int precision = 0;
};

/// Throws Refusal{bad-size, bad-bits} unless such a stream makes the frame that the header
/// tells of: to be asked before anything is decoded or room is made.
void check_codec_head(CodecHead const& head, DicomShape const& shape);
/// Throws Refusal{damaged}.
[[noreturn]] void refuse_stream(std::string_view codec, std::string_view found);
/// Throws Refusal{unsupported-codec}.
[[noreturn]] void refuse_codec(std::string_view got);

/// Bytes of a sample once it is unpacked.
inline std::size_t sample_bytes(DicomShape const& shape) {
  return shape.allocated < 8 ? 1 : static_cast<std::size_t>(shape.allocated) / 8;
}
inline std::size_t frame_samples(DicomShape const& shape) {
  return static_cast<std::size_t>(shape.pixels() * shape.samples);
}

/// Whole numbers as samples of so many bytes: cut off above, or filled up by their sign.
template <class T>
Bytes as_samples(std::span<T const> values, std::size_t width) {
  Bytes out(values.size() * width);
  if (width == sizeof(T)) {
    if (!values.empty()) std::memcpy(out.data(), values.data(), out.size());
    return out;
  }
  auto* to = out.data();
  for (auto const value : values) {
    auto const wide = static_cast<std::int64_t>(value);
    std::memcpy(to, &wide, width);
    to += width;
  }
  return out;
}

/// By the codec's row in codec.cpp. Throws Refusal: as they do; unsupported-codec, too-large.
UnpackedFrame unpack_frame(Syntax const& syntax,
                           std::span<std::byte const> packed,
                           DicomShape const& shape);

// One for each codec: the bytes of a frame to its samples.
// Throws Refusal: damaged, bad-size, bad-bits, short-pixels, unsupported-codec.
UnpackedFrame unpack_native(std::span<std::byte const> packed, DicomShape const& shape);
UnpackedFrame unpack_rle(std::span<std::byte const> packed, DicomShape const& shape);
UnpackedFrame unpack_deflated(std::span<std::byte const> packed, DicomShape const& shape);
UnpackedFrame unpack_jpeg(std::span<std::byte const> packed, DicomShape const& shape);
UnpackedFrame unpack_jpeg_ls(std::span<std::byte const> packed, DicomShape const& shape);
UnpackedFrame unpack_jpeg_2000(std::span<std::byte const> packed, DicomShape const& shape);

/// YBR_FULL_422 that no codec took apart: two pixels share their colours.
bool is_halved(DicomShape const& shape);
/// Bytes of a frame as it lies in a file without a codec.
std::uint64_t native_bytes(DicomShape const& shape);

}  // namespace fovea
