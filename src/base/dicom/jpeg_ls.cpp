#include "base/dicom/codec.hpp"

#include <algorithm>
#include <array>
#include <charls/charls_jpegls_decoder.h>
#include <memory>

namespace fovea {
namespace {

struct JpegLsEnd {
  void operator()(charls_jpegls_decoder* decoder) const {
    charls_jpegls_decoder_destroy(decoder);
  }
};
using JpegLs = std::unique_ptr<charls_jpegls_decoder, JpegLsEnd>;

void jpeg_ls_do(charls_jpegls_errc state) {
  if (state != charls::jpegls_errc::success)
    refuse_stream("JPEG-LS", text("something else: ", charls_get_error_message(state)));
}

// CharLS 2.4.1 looks for a bit that is set behind a stream that breaks off, for seconds each
// time, and takes zeros for what is missing of the last byte. So the end marker must be there,
// and another one behind it stops the search wherever the first may stand.
Bytes jpeg_ls_closed(std::span<std::byte const> packed) {
  constexpr std::array end = {std::byte{0xff}, std::byte{0xd9}};
  if (std::search(packed.begin(), packed.end(), end.begin(), end.end()) == packed.end())
    refuse_stream("JPEG-LS", "a stream without an end");
  Bytes out{packed.begin(), packed.end()};
  out.insert(out.end(), end.begin(), end.end());
  return out;
}

template <class T>
UnpackedFrame jpeg_ls_decoded(charls_jpegls_decoder* decoder, DicomShape const& shape) {
  std::vector<T> samples(frame_samples(shape));
  std::size_t needed = 0;
  jpeg_ls_do(charls_jpegls_decoder_get_destination_size(decoder, 0, &needed));
  if (needed != samples.size() * sizeof(T)) refuse_stream("JPEG-LS", "one of two sizes");
  jpeg_ls_do(charls_jpegls_decoder_decode_to_buffer(decoder, samples.data(), needed, 0));
  return {.bytes = as_samples(std::span<T const>{samples}, sample_bytes(shape))};
}

}  // namespace

// ITU-T T.87, lossless and near-lossless.
UnpackedFrame unpack_jpeg_ls(std::span<std::byte const> packed, DicomShape const& shape) {
  JpegLs const decoder{charls_jpegls_decoder_create()};
  if (!decoder)
    throw Error{Fault::resource, "no memory to unpack with", "close other programs"};
  auto const closed = jpeg_ls_closed(packed);
  jpeg_ls_do(
      charls_jpegls_decoder_set_source_buffer(decoder.get(), closed.data(), closed.size()));
  jpeg_ls_do(charls_jpegls_decoder_read_header(decoder.get()));
  charls_frame_info info{};
  jpeg_ls_do(charls_jpegls_decoder_get_frame_info(decoder.get(), &info));
  check_codec_head({.codec = "JPEG-LS",
                    .rows = info.height,
                    .columns = info.width,
                    .samples = info.component_count,
                    .precision = info.bits_per_sample},
                   shape);
  auto mode = charls_interleave_mode{};
  jpeg_ls_do(charls_jpegls_decoder_get_interleave_mode(decoder.get(), &mode));
  auto out = info.bits_per_sample <= 8 ? jpeg_ls_decoded<std::uint8_t>(decoder.get(), shape)
                                       : jpeg_ls_decoded<std::uint16_t>(decoder.get(), shape);
  out.planes = mode == charls::interleave_mode::none;
  out.precision = info.bits_per_sample;
  return out;
}

}  // namespace fovea
