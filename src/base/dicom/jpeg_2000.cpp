#include "base/dicom/codec.hpp"

#include <algorithm>
#include <memory>
#include <openjpeg.h>

namespace fovea {
namespace {

[[noreturn]] void jpeg_2000_damaged(std::string_view found) {
  refuse_stream("JPEG 2000", found);
}

std::uint32_t jpeg_2000_number(std::span<std::byte const> in,
                               std::size_t at,
                               std::size_t bytes) {
  if (at + bytes > in.size()) jpeg_2000_damaged("a header that breaks off");
  std::uint32_t out = 0;
  for (auto const byte : in.subspan(at, bytes))
    out = out << 8 | std::to_integer<unsigned>(byte);
  return out;
}

// Some put a whole JP2 file where only its codestream may be: the box that holds it.
std::span<std::byte const> jpeg_2000_codestream(std::span<std::byte const> packed) {
  constexpr std::uint32_t signature = 0x6a502020;
  constexpr std::uint32_t codestream = 0x6a703263;
  auto const boxed = packed.size() >= 12 && jpeg_2000_number(packed, 0, 4) == 12 &&
                     jpeg_2000_number(packed, 4, 4) == signature;
  if (!boxed) return packed;
  for (auto left = packed; left.size() >= 8;) {
    auto const length = jpeg_2000_number(left, 0, 4);  // 0: up to the end
    auto const size = length == 0 ? left.size() : length;
    if (size < 8 || size > left.size()) break;
    if (jpeg_2000_number(left, 4, 4) == codestream) return left.subspan(8, size - 8);
    left = left.subspan(size);
  }
  jpeg_2000_damaged("a file of it without a codestream");
}

struct Jpeg2000Head {
  int precision = 0;
  bool negative = false;
};

// ITU-T T.800 A.5.1: what the stream says of its size, before a library makes room for it.
Jpeg2000Head jpeg_2000_head(std::span<std::byte const> in, DicomShape const& shape) {
  constexpr std::uint32_t start = 0xff4fff51;
  // Each tile costs kilobytes before it is decoded.
  constexpr std::int64_t most_tiles = 4096;
  if (in.size() < 4 || jpeg_2000_number(in, 0, 4) != start)
    jpeg_2000_damaged("something that does not begin as one");
  auto const word = [&](std::size_t n) {
    return std::int64_t{jpeg_2000_number(in, 8 + 4 * n, 4)};
  };
  auto const columns = word(0) - word(2);
  auto const rows = word(1) - word(3);
  auto const components = jpeg_2000_number(in, 40, 2);
  auto const depth = static_cast<int>(jpeg_2000_number(in, 42, 1));
  check_codec_head({.codec = "JPEG 2000",
                    .rows = rows,
                    .columns = columns,
                    .samples = components,
                    .precision = (depth & 127) + 1},
                   shape);
  for (std::size_t c = 0; c < components; ++c) {
    if (jpeg_2000_number(in, 42 + 3 * c, 3) != static_cast<std::uint32_t>(depth << 16 | 0x0101))
      refuse_codec("JPEG 2000 whose components have different sizes or bits");
  }
  auto const wide = word(4);
  auto const high = word(5);
  if (wide < 1 || high < 1) jpeg_2000_damaged("tiles without a size");
  if ((word(0) + wide - 1) / wide * ((word(1) + high - 1) / high) > most_tiles)
    throw Refusal{"too-large",
                  text("expected at most ", most_tiles, " tiles in a frame of JPEG 2000"),
                  "check that it is the right file"};
  return {.precision = (depth & 127) + 1, .negative = depth >= 128};
}

// --- the library
// --------------------------------------------------------------------------------

// What it reads from.
struct Jpeg2000Source {
  std::span<std::byte const> bytes;
  std::size_t at = 0;
};

OPJ_SIZE_T jpeg_2000_read(void* room, OPJ_SIZE_T count, void* from) {
  auto& source = *static_cast<Jpeg2000Source*>(from);
  auto const there = std::min<std::size_t>(count, source.bytes.size() - source.at);
  if (there == 0) return static_cast<OPJ_SIZE_T>(-1);
  std::memcpy(room, source.bytes.data() + source.at, there);
  source.at += there;
  return there;
}

OPJ_OFF_T jpeg_2000_skip(OPJ_OFF_T count, void* from) {
  auto& source = *static_cast<Jpeg2000Source*>(from);
  auto const left = static_cast<OPJ_OFF_T>(source.bytes.size() - source.at);
  if (count < 0 || left == 0) return -1;
  auto const there = std::min(count, left);
  source.at += static_cast<std::size_t>(there);
  return there;
}

OPJ_BOOL jpeg_2000_seek(OPJ_OFF_T to, void* from) {
  auto& source = *static_cast<Jpeg2000Source*>(from);
  if (to < 0 || to > static_cast<OPJ_OFF_T>(source.bytes.size())) return OPJ_FALSE;
  source.at = static_cast<std::size_t>(to);
  return OPJ_TRUE;
}

// Keeps the first thing that it complains about. One complaint touches no sample: that the last
// piece of a tile counts itself one too high.
void jpeg_2000_on_message(char const* words, void* into) {
  auto& heard = *static_cast<std::string*>(into);
  std::string_view const line{words};
  if (line.starts_with("Non conformant codestream TPsot==TNsot")) return;
  if (heard.empty()) heard = line.substr(0, line.find('\n'));
}

// Its codecs and its streams are pointers of one type.
struct Jpeg2000EndCodec {
  void operator()(opj_codec_t* codec) const { opj_destroy_codec(codec); }
};
struct Jpeg2000EndStream {
  void operator()(opj_stream_t* stream) const { opj_stream_destroy(stream); }
};
struct Jpeg2000EndImage {
  void operator()(opj_image_t* image) const { opj_image_destroy(image); }
};
using Jpeg2000Codec = std::unique_ptr<opj_codec_t, Jpeg2000EndCodec>;
using Jpeg2000Stream = std::unique_ptr<opj_stream_t, Jpeg2000EndStream>;
using Jpeg2000Image = std::unique_ptr<opj_image_t, Jpeg2000EndImage>;

Jpeg2000Stream jpeg_2000_stream(Jpeg2000Source& source) {
  constexpr std::size_t buffer = 64U << 10;
  Jpeg2000Stream stream{opj_stream_create(std::min(buffer, source.bytes.size()), OPJ_TRUE)};
  if (!stream) throw Error{Fault::resource, "no memory to unpack with", "close other programs"};
  opj_stream_set_user_data(stream.get(), &source, nullptr);
  opj_stream_set_user_data_length(stream.get(), source.bytes.size());
  opj_stream_set_read_function(stream.get(), jpeg_2000_read);
  opj_stream_set_skip_function(stream.get(), jpeg_2000_skip);
  opj_stream_set_seek_function(stream.get(), jpeg_2000_seek);
  return stream;
}

// The library goes on after some damage with a warning; here that is an error.
Jpeg2000Image jpeg_2000_image(std::span<std::byte const> codestream) {
  Jpeg2000Source source{.bytes = codestream};
  std::string complaint;
  auto const stream = jpeg_2000_stream(source);
  Jpeg2000Codec const codec{opj_create_decompress(OPJ_CODEC_J2K)};
  if (!codec) throw Error{Fault::resource, "no memory to unpack with", "close other programs"};
  opj_set_error_handler(codec.get(), jpeg_2000_on_message, &complaint);
  opj_set_warning_handler(codec.get(), jpeg_2000_on_message, &complaint);
  opj_dparameters_t options{};
  opj_set_default_decoder_parameters(&options);
  opj_image_t* made = nullptr;
  auto good = opj_setup_decoder(codec.get(), &options) == OPJ_TRUE &&
              opj_decoder_set_strict_mode(codec.get(), OPJ_TRUE) == OPJ_TRUE &&
              opj_read_header(stream.get(), codec.get(), &made) == OPJ_TRUE;
  Jpeg2000Image image{made};
  good = good && opj_decode(codec.get(), stream.get(), image.get()) == OPJ_TRUE &&
         opj_end_decompress(codec.get(), stream.get()) == OPJ_TRUE;
  if (!good || !complaint.empty()) jpeg_2000_damaged(text("something else: ", complaint));
  return image;
}

}  // namespace

// ITU-T T.800 and T.814; colours that were transformed come back as they were.
UnpackedFrame unpack_jpeg_2000(std::span<std::byte const> packed, DicomShape const& shape) {
  auto const codestream = jpeg_2000_codestream(packed);
  auto const head = jpeg_2000_head(codestream, shape);
  auto const image = jpeg_2000_image(codestream);
  auto const pixels = static_cast<std::size_t>(shape.pixels());
  auto const width = sample_bytes(shape);
  UnpackedFrame out{
      .bytes = {}, .planes = true, .precision = head.precision, .negative = head.negative};
  out.bytes.reserve(frame_samples(shape) * width);
  for (auto const& component : std::span{image->comps, image->numcomps}) {
    if (component.w != shape.columns || component.h != shape.rows || component.data == nullptr)
      jpeg_2000_damaged("a component of another size");
    auto const plane = as_samples(std::span<OPJ_INT32 const>{component.data, pixels}, width);
    out.bytes.insert(out.bytes.end(), plane.begin(), plane.end());
  }
  if (out.bytes.size() != frame_samples(shape) * width) jpeg_2000_damaged("components too few");
  return out;
}

}  // namespace fovea
