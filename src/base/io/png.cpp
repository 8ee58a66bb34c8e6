#include "base/io/codec.hpp"
#include "base/io/png_plain.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <csetjmp>
#include <cstdlib>
#include <cstring>
#include <png.h>
#include <utility>
#include <vector>
#include <zlib.h>

namespace fovea {
namespace {

constexpr std::string_view png_signature = "\x89PNG\r\n\x1a\n";

// libpng leaves by longjmp; what it crosses must have no destructors, so this holds plain
// things and is destroyed by the frame above.
struct Png {
  png_structp png = nullptr;
  png_infop info = nullptr;
  std::span<std::byte const> bytes;
  std::size_t at = 0;
  std::array<char, 160> fault{};

  explicit Png(std::span<std::byte const> of);
  Png(Png const&) = delete;
  Png& operator=(Png const&) = delete;
  ~Png() { png_destroy_read_struct(&png, &info, nullptr); }
};

extern "C" void png_on_error(png_structp png, png_const_charp words) {
  auto& self = *static_cast<Png*>(png_get_error_ptr(png));
  std::strncpy(self.fault.data(), words, self.fault.size() - 1);
  png_longjmp(png, 1);
}

// What libpng only warns of in the pixels is damage as well: a sum that is not theirs, or more
// of them than the header says.
extern "C" void png_on_warning(png_structp png, png_const_charp words) {
  if (std::strncmp(words, "IDAT", 4) == 0) png_error(png, words);
}

extern "C" void png_on_read(png_structp png, png_bytep out, std::size_t count) {
  auto& self = *static_cast<Png*>(png_get_io_ptr(png));
  if (self.bytes.size() - self.at < count) png_error(png, "the file is cut short");
  std::memcpy(out, self.bytes.data() + self.at, count);
  self.at += count;
}

// Calls into libpng; throws what it complained about, from a frame that the jump did not cross.
template <class Step>
bool png_jumped(Png& self, Step const& step) {
  if (setjmp(png_jmpbuf(self.png)) != 0) return true;
  step();
  return false;
}

template <class Step>
void png_do(Png& self, Step const& step) {
  if (png_jumped(self, step))
    refuse_picture(text("expected a whole PNG, got: ", self.fault.data()));
}

Png::Png(std::span<std::byte const> of)
    : png(png_create_read_struct(PNG_LIBPNG_VER_STRING, this, png_on_error, png_on_warning)),
      bytes(of) {
  if (png != nullptr) info = png_create_info_struct(png);
  if (info == nullptr) {
    png_destroy_read_struct(&png, nullptr, nullptr);
    throw Error{Fault::resource, "no memory to read a PNG", "close other programs"};
  }
  png_set_read_fn(png, this, png_on_read);
  png_set_user_limits(png, 0x7fffffff, 0x7fffffff);  // ours were checked before
  // Notes, colour profiles and the like change no pixel; unread they cannot harm.
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER,
                              reinterpret_cast<png_const_bytep>(png_notes.data()),
                              static_cast<int>(png_notes.size() / 5));
}

std::uint32_t png_number(std::span<std::byte const> bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i)
    value = value << 8 | std::to_integer<std::uint32_t>(bytes[at + i]);
  return value;
}

// IHDR is the first chunk: its size is known before libpng asks for any memory.
void png_check_header(std::span<std::byte const> bytes, PictureLimits const& limits) {
  constexpr std::size_t needed = 33;
  if (bytes.size() < needed)
    refuse_picture(text("expected a whole PNG, got its first ", bytes.size(), " bytes"));
  if (!begins_with(bytes.subspan(12), "IHDR"))
    refuse_picture("expected a PNG that begins with its header IHDR, got another chunk");
  check_picture_size(png_number(bytes, 16), png_number(bytes, 20), limits);
}

struct PngShape {
  std::int64_t width, height;
  bool palette, alpha, interlaced;
  int bits;           // of a sample as decoded: 8 or 16
  std::int64_t each;  // samples of a pixel as decoded
};

// Asks libpng for samples of 8 or 16 bits, colour keys as alpha, palettes as indices; grey of
// fewer bits as it is written where that is asked for.
PngShape png_prepare(Png& self, PictureNumbers numbers) {
  PngShape shape{};
  png_do(self, [&] {
    png_read_info(self.png, self.info);
    auto const kind = png_get_color_type(self.png, self.info);
    shape.palette = kind == PNG_COLOR_TYPE_PALETTE;
    auto const stored = numbers == PictureNumbers::stored && kind == PNG_COLOR_TYPE_GRAY &&
                        png_get_bit_depth(self.png, self.info) < 8;
    if (shape.palette || stored)
      png_set_packing(self.png);
    else
      png_set_expand(self.png);
    png_set_swap(self.png);
    shape.interlaced = png_set_interlace_handling(self.png) > 1;
    png_read_update_info(self.png, self.info);
    shape.width = png_get_image_width(self.png, self.info);
    shape.height = png_get_image_height(self.png, self.info);
    shape.bits = png_get_bit_depth(self.png, self.info);
    shape.each = png_get_channels(self.png, self.info);
    shape.alpha = (png_get_color_type(self.png, self.info) & PNG_COLOR_MASK_ALPHA) != 0;
  });
  return shape;
}

// A palette seen through its alpha.
std::vector<PaletteColour> png_palette(Png& self) {
  png_colorp colours = nullptr;
  png_bytep alpha = nullptr;
  int count = 0;
  int alphas = 0;
  png_do(self, [&] {
    png_get_PLTE(self.png, self.info, &colours, &count);
    png_get_tRNS(self.png, self.info, &alpha, &alphas, nullptr);
  });
  std::vector<PaletteColour> palette;
  for (int i = 0; i < count; ++i) {
    auto const a = i < alphas ? alpha[i] : png_byte{255};
    palette.push_back({over_black(colours[i].red, a), over_black(colours[i].green, a),
                       over_black(colours[i].blue, a)});
  }
  return palette;
}

// All rows as decoded, interleaved: interlaced pictures need them all at once.
std::vector<std::uint8_t> png_all(Png& self, PngShape const& shape) {
  auto const pitch = static_cast<std::size_t>(shape.width * shape.each * shape.bits / 8);
  std::vector<std::uint8_t> samples(pitch * static_cast<std::size_t>(shape.height));
  std::vector<png_bytep> rows(static_cast<std::size_t>(shape.height));
  for (std::size_t j = 0; j < rows.size(); ++j) rows[j] = samples.data() + j * pitch;
  png_do(self, [&] { png_read_image(self.png, rows.data()); });
  return samples;
}

template <class T>
void png_fill(Png& self, PngShape const& shape, Volume& picture) {
  auto const alpha = shape.alpha ? shape.each - 1 : 0;
  auto const pitch = static_cast<std::size_t>(shape.width * shape.each) * sizeof(T);
  std::vector<T> row(static_cast<std::size_t>(shape.width * shape.each));
  if (shape.interlaced) {
    auto const samples = png_all(self, shape);
    for (std::int64_t j = 0; j < shape.height; ++j) {
      std::memcpy(row.data(), samples.data() + static_cast<std::size_t>(j) * pitch, pitch);
      put_row(picture, j, row.data(), shape.each, alpha);
    }
    return;
  }
  for (std::int64_t j = 0; j < shape.height; ++j) {
    auto* const target =
        shape.each == 1 ? picture.write<T>().data() + j * shape.width : row.data();
    png_do(self, [&] { png_read_row(self.png, reinterpret_cast<png_bytep>(target), nullptr); });
    if (shape.each > 1) put_row(picture, j, row.data(), shape.each, alpha);
  }
}

Volume png_pixels(Png& self, PngShape const& shape, PictureNumbers numbers) {
  if (shape.palette)
    return painted(shape.width, shape.height, png_all(self, shape), png_palette(self), numbers);
  auto picture = image2d(shape.width, shape.height, shape.bits == 16 ? Type::u16 : Type::u8,
                         shape.each - (shape.alpha ? 1 : 0));
  if (shape.bits == 16)
    png_fill<std::uint16_t>(self, shape, picture);
  else
    png_fill<std::uint8_t>(self, shape, picture);
  return picture;
}

int png_orientation(Png& self) {
  png_bytep exif = nullptr;
  png_uint_32 count = 0;
  png_do(self, [&] { png_get_eXIf_1(self.png, self.info, &count, &exif); });
  return exif == nullptr ? 1 : exif_orientation(std::as_bytes(std::span{exif, count}));
}

}  // namespace

bool begins_as_png(std::span<std::byte const> bytes) {
  return begins_with(bytes, png_signature);
}

Volume decode_png(std::span<std::byte const> bytes,
                  PictureLimits const& limits,
                  PictureNumbers numbers) {
  png_check_header(bytes, limits);
  if (numbers == PictureNumbers::shown) {
    if (auto plain = decode_plain_png(bytes)) return std::move(*plain);
  }
  Png self{bytes};
  auto const shape = png_prepare(self, numbers);
  auto picture = png_pixels(self, shape, numbers);
  png_do(self, [&] {
    png_read_end(self.png, self.info);
  });  // so that what is cut off behind the pixels is noticed
  return oriented(picture, png_orientation(self));
}

namespace {

void png_put(Bytes& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8)
    out.push_back(static_cast<std::byte>(value >> shift & 0xff));
}

void png_chunk(Bytes& out, std::string_view kind, std::span<std::byte const> data) {
  png_put(out, static_cast<std::uint32_t>(data.size()));
  auto const begin = out.size();
  std::ranges::copy(std::as_bytes(std::span{kind}), std::back_inserter(out));
  out.insert(out.end(), data.begin(), data.end());
  auto const* const summed = reinterpret_cast<Bytef const*>(out.data() + begin);
  png_put(out, static_cast<std::uint32_t>(::crc32_z(0, summed, out.size() - begin)));
}

// pHYs, if pixels per metre can be said by it.
void png_resolution(Bytes& out, std::array<double, 2> const& spacing) {
  constexpr double most = 0x7fffffff;
  Bytes data;
  for (auto const mm : spacing) {
    auto const per_metre = std::round(1000 / mm);
    if (!(per_metre >= 1 && per_metre <= most)) return;
    png_put(data, static_cast<std::uint32_t>(per_metre));
  }
  data.push_back(std::byte{1});  // the unit is the metre
  png_chunk(out, "pHYs", data);
}

// A row as the file wants it: interleaved, most significant byte first.
template <class T>
void png_gather(Volume const& picture, std::int64_t row, std::span<std::uint8_t> out) {
  auto* to = out.data();
  auto const all = picture.as<T>();
  for (std::int64_t i = 0; i < picture.width(); ++i) {
    for (std::int64_t c = 0; c < picture.channels(); ++c) {
      auto const value =
          all[static_cast<std::size_t>((c * picture.height() + row) * picture.width() + i)];
      if constexpr (sizeof(T) == 2) *to++ = static_cast<std::uint8_t>(value >> 8);
      *to++ = static_cast<std::uint8_t>(value & 0xff);
    }
  }
}

int png_paeth(int left, int up, int corner) {
  auto const guess = left + up - corner;
  auto const to_left = std::abs(guess - left);
  auto const to_up = std::abs(guess - up);
  auto const to_corner = std::abs(guess - corner);
  if (to_left <= to_up && to_left <= to_corner) return left;
  return to_up <= to_corner ? up : corner;
}

// The row filtered in one of the five ways of the PNG specification, section 9; `each` bytes
// make a pixel.
void png_filter(int kind,
                std::span<std::uint8_t const> row,
                std::span<std::uint8_t const> above,
                std::size_t each,
                std::span<std::uint8_t> out) {
  for (std::size_t i = 0; i < row.size(); ++i) {
    int const left = i < each ? 0 : row[i - each];
    int const up = above[i];
    int const corner = i < each ? 0 : above[i - each];
    auto const guess = kind == 0   ? 0
                       : kind == 1 ? left
                       : kind == 2 ? up
                       : kind == 3 ? (left + up) / 2
                                   : png_paeth(left, up, corner);
    out[i] = static_cast<std::uint8_t>(row[i] - guess);
  }
}

// Small differences pack well: the filter with the least sum of them is taken, as the
// specification advises (12.8).
std::uint64_t png_cost(std::span<std::uint8_t const> row) {
  std::uint64_t sum = 0;
  for (auto const byte : row) sum += byte < 128 ? byte : 256U - byte;
  return sum;
}

std::vector<std::uint8_t> png_filtered(Volume const& picture) {
  auto const each = static_cast<std::size_t>(picture.channels()) * bytes_of(picture.type());
  auto const pitch = static_cast<std::size_t>(picture.width()) * each;
  std::vector<std::uint8_t> row(pitch);
  std::vector<std::uint8_t> above(pitch);
  std::vector<std::uint8_t> tried(pitch);
  std::vector<std::uint8_t> out((pitch + 1) * static_cast<std::size_t>(picture.height()));
  for (std::int64_t j = 0; j < picture.height(); ++j) {
    if (picture.type() == Type::u16)
      png_gather<std::uint16_t>(picture, j, row);
    else
      png_gather<std::uint8_t>(picture, j, row);
    auto* const target = out.data() + static_cast<std::size_t>(j) * (pitch + 1);
    auto least = ~std::uint64_t{0};
    for (int kind = 0; kind < 5; ++kind) {
      png_filter(kind, row, above, each, tried);
      auto const cost = png_cost(tried);
      if (cost >= least) continue;
      least = cost;
      target[0] = static_cast<std::uint8_t>(kind);
      std::ranges::copy(tried, target + 1);
    }
    row.swap(above);
  }
  return out;
}

Bytes png_packed(std::span<std::uint8_t const> samples) {
  auto size = ::compressBound(samples.size());
  Bytes packed(size);
  if (::compress2(reinterpret_cast<Bytef*>(packed.data()), &size, samples.data(),
                  samples.size(), 6) != Z_OK)
    throw Error{Fault::resource, "no memory to pack a PNG", "close other programs"};
  packed.resize(size);
  return packed;
}

}  // namespace

Bytes encode_png(Volume const& picture, std::optional<std::array<double, 2>> spacing) {
  auto const channels = picture.channels();
  auto const known = (picture.type() == Type::u8 || picture.type() == Type::u16) &&
                     picture.depth() == 1 && (channels == 1 || channels == 3 || channels == 4);
  if (!known)
    throw Error{
        Fault::bug,
        text("expected a 2D picture of u8 or u16 with 1, 3 or 4 channels, got ",
             picture.depth(), " slices of ", name_of(picture.type()), " with ", channels),
        "convert it first"};
  Bytes header;
  png_put(header, static_cast<std::uint32_t>(picture.width()));
  png_put(header, static_cast<std::uint32_t>(picture.height()));
  auto const colour = channels == 1 ? 0 : channels == 3 ? 2 : 6;
  for (auto const value : {picture.type() == Type::u16 ? 16 : 8, colour, 0, 0, 0})
    header.push_back(static_cast<std::byte>(value));
  Bytes out;
  std::ranges::copy(std::as_bytes(std::span{png_signature}), std::back_inserter(out));
  png_chunk(out, "IHDR", header);
  if (spacing) png_resolution(out, *spacing);
  png_chunk(out, "IDAT", png_packed(png_filtered(picture)));
  png_chunk(out, "IEND", {});
  return out;
}

void write_png(fs::path const& file,
               Volume const& picture,
               std::optional<std::array<double, 2>> spacing) {
  write_file(file, encode_png(picture, spacing));
}

}  // namespace fovea
