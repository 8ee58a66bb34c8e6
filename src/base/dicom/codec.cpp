#include "base/dicom/codec.hpp"

#include <algorithm>
#include <libdeflate.h>
#include <memory>

namespace fovea {
namespace {

struct CodecRow {
  Codec codec;
  UnpackedFrame (*unpack)(std::span<std::byte const> packed, DicomShape const& shape);
};

constexpr CodecRow codec_rows[] = {
    {Codec::none, unpack_native},         {Codec::rle, unpack_rle},
    {Codec::jpeg, unpack_jpeg},           {Codec::jpeg_ls, unpack_jpeg_ls},
    {Codec::jpeg_2000, unpack_jpeg_2000}, {Codec::frames_deflated, unpack_deflated},
};

// A few bytes may say that they are an image of 65535 x 65535: what codecs make room for at
// once has an end.
constexpr std::int64_t codec_samples = std::int64_t{1} << 28;

}  // namespace

UnpackedFrame unpack_frame(Syntax const& syntax,
                           std::span<std::byte const> packed,
                           DicomShape const& shape) {
  auto const row = std::ranges::find(codec_rows, syntax.codec, &CodecRow::codec);
  if (row == std::end(codec_rows)) refuse_codec(syntax.name);
  if (shape.pixels() * shape.samples > codec_samples)
    throw Refusal{"too-large",
                  text("expected at most ", codec_samples, " samples in a packed frame, got ",
                       shape.pixels() * shape.samples),
                  "check that it is the right file"};
  if (packed.empty())
    throw Refusal{"short-pixels", "expected a frame, got none of its bytes",
                  "the file is damaged; fetch it again"};
  return row->unpack(packed, shape);
}

void check_codec_head(CodecHead const& head, DicomShape const& shape) {
  if (head.rows != shape.rows || head.columns != shape.columns || head.samples != shape.samples)
    throw Refusal{"bad-size",
                  text("expected ", shape.columns, " x ", shape.rows, " pixels of ",
                       shape.samples, " samples, as the header says, got ", head.columns, " x ",
                       head.rows, " of ", head.samples, " in ", head.codec),
                  "the file is damaged; fetch it again"};
  if (head.precision < 1 || head.precision > shape.allocated)
    throw Refusal{"bad-bits",
                  text("expected at most ", shape.allocated, " bits, as the header says, got ",
                       head.precision, " in ", head.codec),
                  "the file is damaged; fetch it again"};
}

void refuse_stream(std::string_view codec, std::string_view found) {
  throw Refusal{"damaged", text("expected ", codec, ", got ", found),
                "the file is damaged; fetch it again"};
}

void refuse_codec(std::string_view got) {
  throw Refusal{"unsupported-codec", text("expected a codec that is read, got ", got),
                "unpack the pixels with another program first"};
}

bool is_halved(DicomShape const& shape) {
  return shape.photometric == "YBR_FULL_422" && shape.samples == 3;
}

std::uint64_t native_bytes(DicomShape const& shape) {
  auto const samples = is_halved(shape) ? 2 : shape.samples;
  auto const bits = static_cast<std::uint64_t>(shape.pixels() * samples) *
                    static_cast<std::uint64_t>(shape.allocated);
  return (bits + 7) / 8;
}

UnpackedFrame unpack_native(std::span<std::byte const> packed, DicomShape const& shape) {
  auto const needed = native_bytes(shape);
  if (packed.size() < needed)
    throw Refusal{"short-pixels",
                  text("expected ", needed, " bytes in the frame, got ", packed.size()),
                  "the file is damaged; fetch it again"};
  return {.bytes = {packed.begin(), packed.begin() + static_cast<std::ptrdiff_t>(needed)},
          .planes = shape.planes};
}

// PS3.5 A.4.12: each frame by itself, padded to an even number of bytes before or behind.
UnpackedFrame unpack_deflated(std::span<std::byte const> packed, DicomShape const& shape) {
  std::unique_ptr<libdeflate_decompressor, void (*)(libdeflate_decompressor*)> const codec{
      libdeflate_alloc_decompressor(), libdeflate_free_decompressor};
  if (!codec) throw Error{Fault::resource, "no memory to unpack with", "close other programs"};
  auto const needed = native_bytes(shape);
  UnpackedFrame out{.bytes = Bytes(needed + 1), .planes = shape.planes};
  std::size_t used = 0;
  std::size_t made = 0;
  auto const state =
      libdeflate_deflate_decompress_ex(codec.get(), packed.data(), packed.size(),
                                       out.bytes.data(), out.bytes.size(), &used, &made);
  auto const whole = state == LIBDEFLATE_SUCCESS && packed.size() - used <= 1 &&
                     (made == needed || (needed % 2 == 1 && made == needed + 1));
  if (!whole)
    refuse_stream("a deflated frame", state == LIBDEFLATE_SUCCESS
                                          ? "one of another size"
                                          : "something else, or only a part of it");
  out.bytes.resize(needed);
  return out;
}

}  // namespace fovea
