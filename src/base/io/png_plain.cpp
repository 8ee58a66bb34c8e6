#include "base/io/png_plain.hpp"

#include "base/core/file.hpp"
#include "base/io/codec.hpp"

#include <algorithm>
#include <array>
#include <libdeflate.h>
#include <memory>
#include <vector>

namespace fovea {
namespace {

using PlainBytes = std::span<std::byte const>;

struct PlainChunk {
  std::string_view kind;
  PlainBytes data;
};

struct PlainPng {
  std::int64_t width = 0, height = 0;
  std::size_t each = 0;  // bytes of a pixel; alpha is the last of 2 and of 4
  bool indexed = false;
  std::vector<PaletteColour> palette;
  std::vector<PlainBytes> packed;  // one zlib stream, in pieces

  std::size_t pitch() const { return static_cast<std::size_t>(width) * each; }
  std::size_t rows() const { return static_cast<std::size_t>(height); }
};

std::uint32_t plain_number(PlainBytes bytes) {
  std::uint32_t value = 0;
  for (auto const byte : bytes.first(4))
    value = value << 8 | std::to_integer<std::uint32_t>(byte);
  return value;
}

// The chunk that `rest` begins with, which is moved behind it. Nothing if it is not there as a
// whole or its sum is wrong.
std::optional<PlainChunk> plain_chunk(PlainBytes& rest) {
  constexpr std::size_t around = 12;  // length, kind and sum
  if (rest.size() < around) return {};
  std::size_t const length = plain_number(rest);
  if (length > rest.size() - around) return {};
  auto const summed = rest.subspan(4, 4 + length);
  if (libdeflate_crc32(0, summed.data(), summed.size()) !=
      plain_number(rest.subspan(8 + length)))
    return {};
  rest = rest.subspan(around + length);
  return PlainChunk{{reinterpret_cast<char const*>(summed.data()), 4}, summed.subspan(4)};
}

bool plain_note(std::string_view kind) {
  for (std::size_t at = 0; at < png_notes.size(); at += 5)
    if (png_notes.substr(at, 4) == kind) return true;
  return false;
}

// Bits, colour, compression, filters and interlacing stand behind the two sizes.
bool plain_header(PlainChunk const& chunk, PlainPng& png) {
  if (chunk.kind != "IHDR" || chunk.data.size() != 13) return false;
  static constexpr std::size_t bytes_of_kind[] = {1, 0, 3, 1, 2, 0, 4};
  auto const at = [&](std::size_t i) { return std::to_integer<std::size_t>(chunk.data[i]); };
  if (at(8) != 8 || at(9) >= std::size(bytes_of_kind) || at(10) + at(11) + at(12) != 0)
    return false;
  png.width = plain_number(chunk.data);
  png.height = plain_number(chunk.data.subspan(4));
  png.each = bytes_of_kind[at(9)];
  png.indexed = at(9) == 3;
  return png.each != 0;
}

bool plain_palette(PlainBytes data, PlainPng& png) {
  auto const known = png.indexed && png.palette.empty() && png.packed.empty();
  if (!known || data.empty() || data.size() % 3 != 0 || data.size() > 3 * 256) return false;
  for (std::size_t i = 0; i < data.size(); i += 3) {
    auto const part = [&](std::size_t k) { return std::to_integer<std::uint8_t>(data[i + k]); };
    png.palette.push_back({part(0), part(1), part(2)});
  }
  return true;
}

// All chunks up to IEND in the order that the specification asks for.
std::optional<PlainPng> plain_chunks(PlainBytes rest) {
  PlainPng png;
  auto chunk = plain_chunk(rest);
  if (!chunk || !plain_header(*chunk, png)) return {};
  for (auto packed_before = false;;) {
    chunk = plain_chunk(rest);
    if (!chunk) return {};
    auto const packed = chunk->kind == "IDAT";
    if (packed && !png.packed.empty() && !packed_before) return {};  // must be neighbours
    packed_before = packed;
    if (packed)
      png.packed.push_back(chunk->data);
    else if (chunk->kind == "PLTE" && !plain_palette(chunk->data, png))
      return {};
    else if (chunk->kind == "IEND")
      break;
    else if (chunk->kind != "PLTE" && !plain_note(chunk->kind))
      return {};
  }
  if (!chunk->data.empty() || png.packed.empty() || png.indexed == png.palette.empty())
    return {};
  return png;
}

// Whether a zlib stream may hold so many bytes. Deflate packs 1032 to 1 at best: what a bomb's
// header promises beyond that is never asked for. A window smaller than the distances that may
// occur is an error to zlib, but goes unseen by libdeflate.
bool plain_stream(PlainBytes packed, std::size_t size) {
  if (packed.size() < 2 || size / 1032 > packed.size()) return false;
  auto const window = std::size_t{256} << (std::to_integer<int>(packed[0]) >> 4);
  return window >= std::min<std::size_t>(size, 32'768);
}

// Exactly so many bytes, and nothing left over on either side.
bool plain_inflate(PlainBytes packed, std::span<std::uint8_t> out) {
  std::unique_ptr<libdeflate_decompressor, decltype(&libdeflate_free_decompressor)> const
      inflater{libdeflate_alloc_decompressor(), libdeflate_free_decompressor};
  if (inflater == nullptr)
    throw Error{Fault::resource, "no memory to read a PNG", "close other programs"};
  std::size_t used = 0;
  return libdeflate_zlib_decompress_ex(inflater.get(), packed.data(), packed.size(), out.data(),
                                       out.size(), &used, nullptr) == LIBDEFLATE_SUCCESS &&
         used == packed.size();
}

// A row as the file holds it, behind its filter's number, and what it is made from and into.
struct PlainRow {
  std::uint8_t const* in;
  std::uint8_t const* above;
  std::uint8_t* out;
  std::size_t size;
};

// In the loops below what stands to the left is kept in registers: read back from memory each
// byte would wait for the one before it to be stored.
template <std::size_t each>
void plain_sub(PlainRow const row) {
  std::array<std::uint8_t, each> left{};
  for (std::size_t i = 0; i < row.size; i += each) {
    for (std::size_t k = 0; k < each; ++k)
      row.out[i + k] = left[k] = static_cast<std::uint8_t>(row.in[i + k] + left[k]);
  }
}

void plain_up(PlainRow const row) {
  for (std::size_t i = 0; i < row.size; ++i)
    row.out[i] = static_cast<std::uint8_t>(row.in[i] + row.above[i]);
}

// in + (left + above) / 2, but with left coming in last: each byte waits for the one before it.
template <std::size_t each>
void plain_average(PlainRow const row) {
  std::array<std::uint32_t, each> left{};
  for (std::size_t i = 0; i < row.size; i += each) {
    for (std::size_t k = 0; k < each; ++k) {
      auto const twice = std::uint32_t{row.in[i + k]} * 2 + row.above[i + k];
      left[k] = (twice + left[k]) >> 1 & 0xff;
      row.out[i + k] = static_cast<std::uint8_t>(left[k]);
    }
  }
}

// The one of left, above and corner that is nearest to left + above - corner. Without branches,
// which noise would make unforeseeable: of the two neighbours the upper one is nearest when the
// corner is below it by at least twice as much as it is above the lower one, and the other way
// round; between them it is the corner itself.
int plain_paeth(int left, int above, int corner) {
  auto const low = std::min(left, above);
  auto const high = std::max(left, above);
  auto const turn = 3 * corner - left - above;
  auto const not_low = turn <= low ? high : corner;
  return high <= turn ? low : not_low;
}

template <std::size_t each>
void plain_paeth_row(PlainRow const row) {
  std::array<int, each> left{};
  std::array<int, each> corner{};
  for (std::size_t i = 0; i < row.size; i += each) {
    for (std::size_t k = 0; k < each; ++k) {
      int const above = row.above[i + k];
      left[k] = (row.in[i + k] + plain_paeth(left[k], above, corner[k])) & 0xff;
      corner[k] = above;
      row.out[i + k] = static_cast<std::uint8_t>(left[k]);
    }
  }
}

template <std::size_t each>
bool plain_unfilter(int filter, PlainRow const& row) {
  switch (filter) {
    case 0:
      std::copy_n(row.in, row.size, row.out);
      return true;
    case 1:
      plain_sub<each>(row);
      return true;
    case 2:
      plain_up(row);
      return true;
    case 3:
      plain_average<each>(row);
      return true;
    case 4:
      plain_paeth_row<each>(row);
      return true;
    default:
      return false;
  }
}

// Calls place(row) for where each row goes and done(row) when it is there; false at a filter
// that there is not. A row must stay until the next one is done.
template <std::size_t each, class Place, class Done>
bool plain_rows(PlainPng const& png, std::uint8_t const* in, Place&& place, Done&& done) {
  auto const pitch = png.pitch();
  std::vector<std::uint8_t> const nothing(pitch);
  auto const* above = nothing.data();
  for (std::size_t j = 0; j < png.rows(); ++j, in += pitch + 1) {
    auto* const out = place(j);
    if (!plain_unfilter<each>(*in, {in + 1, above, out, pitch})) return false;
    done(j);
    above = out;
  }
  return true;
}

// Pixels of one byte go straight to where they belong.
bool plain_single(PlainPng const& png, std::uint8_t const* in, std::span<std::uint8_t> out) {
  return plain_rows<1>(
      png, in, [&](std::size_t j) { return out.data() + j * png.pitch(); }, [](std::size_t) {});
}

// Others by way of two rows in turn, taken apart into channels.
template <std::size_t each>
std::optional<Volume> plain_planes(PlainPng const& png, std::uint8_t const* in) {
  constexpr std::int64_t alpha = each % 2 == 0 ? each - 1 : 0;
  auto picture = image2d(png.width, png.height, Type::u8, each - (alpha != 0 ? 1 : 0));
  std::vector<std::uint8_t> two(2 * png.pitch());
  auto const place = [&](std::size_t j) { return two.data() + j % 2 * png.pitch(); };
  auto const done = [&](std::size_t j) {
    put_row(picture, static_cast<std::int64_t>(j), place(j), each, alpha);
  };
  if (!plain_rows<each>(png, in, place, done)) return {};
  return picture;
}

std::optional<Volume> plain_picture(PlainPng const& png, std::uint8_t const* in) {
  if (png.indexed) {
    std::vector<std::uint8_t> indices(png.pitch() * png.rows());
    if (!plain_single(png, in, indices)) return {};
    return painted(png.width, png.height, indices, png.palette);
  }
  if (png.each == 2) return plain_planes<2>(png, in);
  if (png.each == 3) return plain_planes<3>(png, in);
  if (png.each == 4) return plain_planes<4>(png, in);
  auto picture = image2d(png.width, png.height, Type::u8);
  if (!plain_single(png, in, picture.write<std::uint8_t>())) return {};
  return picture;
}

}  // namespace

std::optional<Volume> decode_plain_png(std::span<std::byte const> bytes) {
  constexpr std::size_t signature = 8;
  auto const png = plain_chunks(bytes.subspan(signature));
  if (!png) return {};
  Bytes joined;
  if (png->packed.size() > 1)
    for (auto const piece : png->packed)
      joined.insert(joined.end(), piece.begin(), piece.end());
  auto const packed = joined.empty() ? png->packed.front() : PlainBytes{joined};
  auto const size = (png->pitch() + 1) * png->rows();
  if (!plain_stream(packed, size)) return {};
  auto const filtered = std::make_unique_for_overwrite<std::uint8_t[]>(size);
  if (!plain_inflate(packed, {filtered.get(), size})) return {};
  return plain_picture(*png, filtered.get());
}

}  // namespace fovea
