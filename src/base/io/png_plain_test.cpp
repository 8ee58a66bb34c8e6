#include "base/io/png_plain.hpp"

#include "base/core/rng.hpp"
#include "base/io/made/pictures.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace fovea {
namespace {

constexpr int plain_mixed = 5;  // each row another filter
constexpr PictureLimits plain_limits{.pixels = 4'000'000};

struct PlainMade {
  std::uint32_t width = 1, height = 1;
  int kind = PNG_COLOR_TYPE_GRAY;
  int filter = plain_mixed;
  std::uint64_t spread = 256;   // filtered bytes are 0..spread-1: few of them make many ties
  std::size_t piece = 1 << 20;  // bytes of an IDAT
  int spare = 0;                // bytes more than the header says
  int window = 15;
};

void plain_put_chunk(Bytes& out, std::string_view kind, std::span<std::byte const> data) {
  Bytes chunk(8);
  made_big_endian(chunk, 0, static_cast<std::uint32_t>(data.size()));
  std::memcpy(chunk.data() + 4, kind.data(), 4);
  chunk.insert(chunk.end(), data.begin(), data.end());
  auto const* const summed = reinterpret_cast<Bytef const*>(chunk.data() + 4);
  auto const sum = ::crc32_z(0, summed, chunk.size() - 4);
  chunk.resize(chunk.size() + 4);
  made_big_endian(chunk, chunk.size() - 4, static_cast<std::uint32_t>(sum));
  out.insert(out.end(), chunk.begin(), chunk.end());
}

Bytes plain_signature() {
  auto const bytes = std::as_bytes(std::span{std::string_view{"\x89PNG\r\n\x1a\n"}});
  return {bytes.begin(), bytes.end()};
}

Bytes plain_header_data(PlainMade const& made) {
  Bytes header(13);
  made_big_endian(header, 0, made.width);
  made_big_endian(header, 4, made.height);
  header[8] = std::byte{8};
  header[9] = static_cast<std::byte>(made.kind);
  return header;
}

// Rows as the file holds them: any bytes behind a filter's number are pixels of some picture.
std::vector<std::uint8_t> plain_filtered(PlainMade const& made) {
  constexpr std::uint32_t each[] = {1, 0, 3, 1, 2, 0, 4};
  Rng rng{7};
  std::vector<std::uint8_t> rows;
  for (std::uint32_t j = 0; j < made.height; ++j) {
    auto const filter =
        made.filter == plain_mixed ? rng.next() % 5 : static_cast<std::uint64_t>(made.filter);
    rows.push_back(static_cast<std::uint8_t>(filter));
    for (std::uint32_t i = 0; i < made.width * each[made.kind]; ++i)
      rows.push_back(static_cast<std::uint8_t>(rng.next() % made.spread));
  }
  rows.resize(rows.size() + static_cast<std::size_t>(made.spare));
  return rows;
}

Bytes plain_packed(std::span<std::uint8_t const> rows, int window = 15) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, window, 9, Z_DEFAULT_STRATEGY);
  Bytes out(deflateBound(&stream, rows.size()));
  stream.next_in = const_cast<Bytef*>(rows.data());
  stream.avail_in = static_cast<uInt>(rows.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

Bytes plain_around(PlainMade const& made, std::span<std::byte const> stream) {
  auto out = plain_signature();
  plain_put_chunk(out, "IHDR", plain_header_data(made));
  Bytes palette(768);
  for (std::size_t i = 0; i < palette.size(); ++i)
    palette[i] = static_cast<std::byte>(i * 37 % 256);
  if (made.kind == PNG_COLOR_TYPE_PALETTE) plain_put_chunk(out, "PLTE", palette);
  for (std::size_t at = 0; at < stream.size(); at += made.piece)
    plain_put_chunk(out, "IDAT", stream.subspan(at, std::min(made.piece, stream.size() - at)));
  plain_put_chunk(out, "IEND", {});
  return out;
}

Bytes plain_made(PlainMade const& made) {
  return plain_around(made, plain_packed(plain_filtered(made), made.window));
}

// The same picture in a file that is not plain, for a chunk that no one knows: libpng reads it.
Bytes plain_made_odd(Bytes const& plain) {
  Bytes chunk;
  plain_put_chunk(chunk, "teSt", {});
  auto out = plain;
  constexpr int end = 12;
  out.insert(out.end() - std::min<std::ptrdiff_t>(end, std::ssize(out)), chunk.begin(),
             chunk.end());
  return out;
}

// What comes of the bytes, in words: two readings are the same if these are.
std::string plain_seen(std::span<std::byte const> bytes) {
  try {
    auto const picture = decode_picture(bytes, "x", plain_limits);
    auto const voxels = picture.as<std::uint8_t>();
    return text(picture.width(), " x ", picture.height(), " x ", picture.channels(), ": ",
                std::string{voxels.begin(), voxels.end()});
  } catch (Error const& fault) {
    EXPECT_EQ(fault.fault(), Fault::input) << fault.what();
    return "refused";
  }
}

void expect_plain_as_libpng(PlainMade const& made) {
  SCOPED_TRACE(text(made.width, " x ", made.height, " of kind ", made.kind, ", filter ",
                    made.filter, ", spread ", made.spread));
  auto const plain = plain_made(made);
  auto const odd = plain_made_odd(plain);
  EXPECT_TRUE(decode_plain_png(plain));
  EXPECT_FALSE(decode_plain_png(odd));
  auto const picture = plain_seen(plain);
  EXPECT_NE(picture, "refused");
  EXPECT_TRUE(picture == plain_seen(odd));
}

constexpr int plain_kinds[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_PALETTE,
                               PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB_ALPHA};

TEST(PlainPng, IsReadAsLibpngReadsIt) {
  for (auto const kind : plain_kinds)
    for (std::uint32_t const width : {1, 2, 3, 7, 16, 33, 257})
      for (std::uint32_t const height : {1, 2, 5, 33})
        for (int filter = 0; filter <= plain_mixed; ++filter)
          for (std::uint64_t const spread : {2, 256})
            expect_plain_as_libpng({width, height, kind, filter, spread});
}

TEST(PlainPng, OfManyPixelsAndPiecesIsReadAsLibpngReadsIt) {
  for (auto const kind : plain_kinds) {
    expect_plain_as_libpng({.width = 1201, .height = 903, .kind = kind, .piece = 8192});
    expect_plain_as_libpng({.width = 19, .height = 11, .kind = kind, .piece = 1});
  }
  // The predictor has ties and turns between all three neighbours: a million of them, near and
  // far.
  for (std::uint64_t const spread : {3, 8, 256})
    expect_plain_as_libpng({.width = 1024, .height = 1024, .filter = 4, .spread = spread});
}

TEST(PlainPng, WithAnyByteChangedIsWhatLibpngMakesOfIt) {
  for (auto const kind : {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_PALETTE}) {
    auto const good = plain_made({.width = 9, .height = 5, .kind = kind, .piece = 30});
    for (std::size_t i = 8; i < good.size(); ++i) {
      for (auto const mask : {0x01, 0x20, 0x80, 0xff}) {
        auto bad = good;
        bad[i] ^= static_cast<std::byte>(mask);
        ASSERT_TRUE(plain_seen(bad) == plain_seen(plain_made_odd(bad)))
            << i << " of " << good.size();
      }
    }
  }
}

// Whether zlib takes all of the stream for so many bytes.
bool plain_whole(std::span<std::byte const> stream, std::size_t size) {
  std::vector<Bytef> out(size);
  uLongf got = size;
  uLong used = stream.size();
  return ::uncompress2(out.data(), &got, reinterpret_cast<Bytef const*>(stream.data()),
                       &used) == Z_OK &&
         got == size && used == stream.size();
}

// The checksums around it are right: only the stream's own sum and size can tell.
TEST(PlainPng, WithAnyByteOfItsStreamChangedIsWhatLibpngMakesOfIt) {
  PlainMade const made{.width = 40, .height = 30, .filter = 3, .spread = 4};
  auto const rows = plain_filtered(made);
  auto const stream = plain_packed(rows);
  int taken = 0;
  for (std::size_t i = 0; i < stream.size(); ++i) {
    for (auto const mask : {0x01, 0x10, 0xff}) {
      auto bad = stream;
      bad[i] ^= static_cast<std::byte>(mask);
      auto const bytes = plain_around(made, bad);
      auto const result = plain_seen(bytes);
      ASSERT_TRUE(result == plain_seen(plain_made_odd(bytes))) << i << " of " << stream.size();
      if (result == "refused") continue;
      ASSERT_TRUE(plain_whole(bad, rows.size())) << i << " of " << stream.size();
      ++taken;
    }
  }
  // Those that say how well it was packed or fill up the last byte, and the rare same sum.
  EXPECT_LT(taken, 5);
}

TEST(PlainPng, CutAnywhereIsRefused) {
  for (auto const kind : plain_kinds) {
    auto const bytes = plain_made({.width = 5, .height = 4, .kind = kind, .piece = 16});
    for (std::size_t size = 0; size < bytes.size(); ++size)
      ASSERT_EQ(plain_seen(std::span{bytes}.first(size)), "refused")
          << size << " of " << bytes.size();
    auto const stream = plain_packed(plain_filtered({.width = 5, .height = 4, .kind = kind}));
    for (std::size_t size = 0; size < stream.size(); ++size)
      ASSERT_EQ(plain_seen(plain_around({.width = 5, .height = 4, .kind = kind},
                                        std::span{stream}.first(size))),
                "refused")
          << size << " of " << stream.size();
  }
}

TEST(PlainPng, ThatHoldsMoreOrLessThanItsHeaderSaysIsRefused) {
  for (auto const spare : {-41, -1, 1, 41, 1'000'000}) {
    auto const bytes = plain_made({.width = 40, .height = 30, .spare = spare});
    EXPECT_EQ(plain_seen(bytes), "refused") << spare;
    EXPECT_EQ(plain_seen(plain_made_odd(bytes)), "refused") << spare;
  }
  // A few bytes that promise 4 million pixels.
  PlainMade const made{.width = 2000, .height = 2000};
  EXPECT_EQ(plain_seen(plain_around(made, plain_packed(std::vector<std::uint8_t>(2001)))),
            "refused");
  auto stream = plain_packed(plain_filtered({}));
  stream.push_back(std::byte{0});
  EXPECT_EQ(plain_seen(plain_around({}, stream)), "refused") << "something behind the stream";
}

TEST(PlainPng, WithAFilterThatThereIsNotIsRefused) {
  auto rows = plain_filtered({.width = 3, .height = 2});
  rows[4] = 5;
  EXPECT_EQ(plain_seen(plain_around({.width = 3, .height = 2}, plain_packed(rows))), "refused");
}

// zlib keeps to the window that the stream asks for, so a small one is left to it.
TEST(PlainPng, WithASmallWindowIsReadByLibpng) {
  PlainMade const made{.width = 300, .height = 300, .spread = 2, .window = 9};
  auto const bytes = plain_made(made);
  EXPECT_FALSE(decode_plain_png(bytes));
  auto wide = made;
  wide.window = 15;
  EXPECT_TRUE(plain_seen(bytes) == plain_seen(plain_made(wide)));
}

TEST(PlainPng, IsNothingElse) {
  auto const colours = std::vector<PaletteColour>{{1, 2, 3}, {4, 5, 6}};
  for (auto const& made :
       {PngMade{.bits = 16, .samples = {1}}, PngMade{.bits = 4, .samples = {1}},
        PngMade{.samples = {1}, .interlaced = true}, PngMade{.samples = {1}, .clear = 1},
        PngMade{.samples = {1}, .exif = made_exif(6, true)},
        PngMade{.kind = PNG_COLOR_TYPE_PALETTE,
        .samples = {1},
        .palette = colours,
        .alphas = {3}}}) {
    auto const bytes = made_png(made);
    EXPECT_FALSE(decode_plain_png(bytes));
    EXPECT_NO_THROW(decode_picture(bytes, "x"));
  }
  EXPECT_TRUE(decode_plain_png(made_png({.samples = {1}})));
}

// Each row is a file of chunks in an order of its own, whether it is plain, and whether it is a
// picture at all.
TEST(PlainPng, HasItsChunksInOrder) {
  struct Row {
    std::string_view chunks;  // Header, Palette, Note, first and second half of the pixels, End
    int kind;
    bool plain, picture;
  };
  for (auto const& row :
       {Row{"H12E", 0, true, true}, Row{"HN12NE", 0, true, true}, Row{"HNPN12E", 3, true, true},
        Row{"H12EN", 0, true, true}, Row{"H1N2E", 0, false, false},
        Row{"HP12E", 2, false, true}, Row{"H12E", 3, false, false},
        Row{"H12PE", 3, false, false}, Row{"HPP12E", 3, false, false},
        Row{"HE", 0, false, false}, Row{"H1E", 0, false, false}, Row{"HH12E", 0, false, false},
        Row{"H12", 0, false, false}, Row{"NH12E", 0, false, false}}) {
    SCOPED_TRACE(row.chunks);
    PlainMade const made{.width = 4, .height = 4, .kind = row.kind, .spread = 2};
    auto const stream = plain_packed(plain_filtered(made));
    auto bytes = plain_signature();
    for (auto const chunk : row.chunks) {
      auto const half = stream.size() / 2;
      if (chunk == 'H') plain_put_chunk(bytes, "IHDR", plain_header_data(made));
      if (chunk == 'P') plain_put_chunk(bytes, "PLTE", Bytes(768));
      if (chunk == 'N') plain_put_chunk(bytes, "tEXt", Bytes(9));
      if (chunk == '1') plain_put_chunk(bytes, "IDAT", std::span{stream}.first(half));
      if (chunk == '2') plain_put_chunk(bytes, "IDAT", std::span{stream}.subspan(half));
      if (chunk == 'E') plain_put_chunk(bytes, "IEND", {});
    }
    EXPECT_EQ(decode_plain_png(bytes).has_value(), row.plain);
    EXPECT_EQ(plain_seen(bytes) != "refused", row.picture);
  }
}

}  // namespace
}  // namespace fovea
