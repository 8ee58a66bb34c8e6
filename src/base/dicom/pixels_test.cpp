#include "base/dicom/pixels.hpp"

#include "base/core/csv.hpp"
#include "base/core/zip.hpp"
#include "base/dicom/made/phantom.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <memory>
#include <numeric>
#include <openssl/evp.h>

namespace fovea {
namespace {

using PixelsValues = std::vector<double>;

PixelsValues pixels_values(Volume const& image) {
  PixelsValues out;
  with_type(image.type(), [&](auto zero) {
    for (auto const value : image.as<decltype(zero)>())
      out.push_back(static_cast<double>(value));
  });
  return out;
}

PixelsValues pixels_of(MadePixels const& made, std::int64_t frame = 0) {
  auto const bytes = made.bytes();
  return pixels_values(decode_frame(DicomFile{made_bytes(bytes), "x"}, frame));
}

std::string pixels_code(std::span<std::byte const> bytes, std::int64_t frame = 0) {
  try {
    decode_frame(DicomFile{bytes, "x"}, frame);
  } catch (Refusal const& fault) {
    return std::string{fault.code()};
  }
  return "was taken";
}

std::string pixels_code(MadePixels const& made, std::int64_t frame = 0) {
  auto const bytes = made.bytes();
  return pixels_code(made_bytes(bytes), frame);
}

std::string pixels_shorts(std::vector<int> const& values, bool big = false) {
  MadeDicom out;
  out.big = big;
  for (auto const value : values) out.number(static_cast<std::uint16_t>(value), 2);
  return out.bytes();
}

TEST(DicomPixels, KeepsOnlyTheBitsThatAreStored) {
  using V = PixelsValues;
  auto const shorts = pixels_shorts({0xf123, 0x0fff, 0x8800, 0x7001});
  EXPECT_EQ(pixels_of({.pixels = shorts}), (V{0xf123, 0x0fff, 0x8800, 0x7001}));
  EXPECT_EQ(pixels_of({.signedness = 1, .pixels = shorts}),
            (V{0xf123 - 65536, 0x0fff, 0x8800 - 65536, 0x7001}));
  // An overlay hides in the upper four bits.
  EXPECT_EQ(pixels_of({.stored = 12, .high = 11, .pixels = shorts}),
            (V{0x123, 0xfff, 0x800, 0x001}));
  EXPECT_EQ(pixels_of({.stored = 12, .high = 11, .signedness = 1, .pixels = shorts}),
            (V{0x123, -1, -2048, 1}));
  // Values in the upper twelve, something else in the lower four.
  EXPECT_EQ(pixels_of({.stored = 12, .high = 15, .pixels = shorts}),
            (V{0xf12, 0xff, 0x880, 0x700}));
  EXPECT_EQ(pixels_of({.stored = 12, .high = 15, .signedness = 1, .pixels = shorts}),
            (V{0xf12 - 4096, 0xff, 0x880 - 4096, 0x700}));
}

TEST(DicomPixels, ReadsBigEndian) {
  EXPECT_EQ(pixels_of({.syntax = made_big_endian_dicom,
                       .pixels = pixels_shorts({1, 256, 3, 4}, true)}),
            (PixelsValues{1, 256, 3, 4}));
  // Bytes in words of 16 bits come in pairs, the second one first; also over a frame's edge.
  MadePixels bytes{.syntax = made_big_endian_dicom,
                   .rows = 1,
                   .columns = 3,
                   .frames = "2",
                   .allocated = 8,
                   .stored = 8,
                   .high = 7,
                   .pixels = "badcfe"};
  EXPECT_EQ(pixels_of(bytes, 0), (PixelsValues{'a', 'b', 'c'}));
  EXPECT_EQ(pixels_of(bytes, 1), (PixelsValues{'d', 'e', 'f'}));
  bytes.kind = "OB";
  EXPECT_EQ(pixels_of(bytes, 1), (PixelsValues{'c', 'f', 'e'}));
}

TEST(DicomPixels, ReadsSingleBitsThatBeginInsideAByte) {
  MadePixels const bits{.rows = 1,
                        .columns = 3,
                        .frames = "3",
                        .allocated = 1,
                        .stored = 1,
                        .high = 0,
                        .pixels = std::string{"\x35\x01", 2}};  // 101 011 001 from below
  EXPECT_EQ(pixels_of(bits, 0), (PixelsValues{1, 0, 1}));
  EXPECT_EQ(pixels_of(bits, 1), (PixelsValues{0, 1, 1}));
  EXPECT_EQ(pixels_of(bits, 2), (PixelsValues{0, 0, 1}));
}

TEST(DicomPixels, SortsColoursIntoChannels) {
  MadePixels colour{.rows = 1,
                    .samples = 3,
                    .photometric = "RGB",
                    .allocated = 8,
                    .stored = 8,
                    .high = 7,
                    .pixels = "rgbRGB"};
  EXPECT_EQ(pixels_of(colour), (PixelsValues{'r', 'R', 'g', 'G', 'b', 'B'}));
  colour.planar = 1;
  EXPECT_EQ(pixels_of(colour), (PixelsValues{'r', 'g', 'b', 'R', 'G', 'B'}));
  colour.planar = 0;
  colour.photometric = "YBR_FULL_422";
  colour.pixels = "yYbr";
  EXPECT_EQ(pixels_of(colour), (PixelsValues{'y', 'Y', 'b', 'b', 'r', 'r'}));
}

std::string pixels_rle(std::vector<std::string> const& segments) {
  MadeDicom out;
  out.number(segments.size(), 4);
  std::size_t at = 64;
  for (std::size_t s = 0; s < 15; ++s) {
    out.number(s < segments.size() ? at : 0, 4);
    if (s < segments.size()) at += segments[s].size();
  }
  for (auto const& segment : segments) out.words(segment);
  return out.bytes();
}

TEST(DicomPixels, UnpacksRle) {
  using namespace std::string_literals;
  // Upper bytes: 1 repeated 3 times, then 0; lower bytes: 4 as they are, behind a no-operation.
  auto const frame = pixels_rle({"\xfe\x01\x00\x00"s, "\x80\x03\x07\x08\x09\x0a"s});
  MadePixels made{.syntax = made_rle, .fragments = {frame}};
  EXPECT_EQ(pixels_of(made), (PixelsValues{0x107, 0x108, 0x109, 0x0a}));
  made.signedness = 1;
  made.stored = 9;
  made.high = 8;
  EXPECT_EQ(pixels_of(made), (PixelsValues{0x107 - 512, 0x108 - 512, 0x109 - 512, 0x0a}));
  MadePixels const colour{.syntax = made_rle,
                          .rows = 1,
                          .samples = 3,
                          .photometric = "RGB",
                          .allocated = 8,
                          .stored = 8,
                          .high = 7,
                          .fragments = {pixels_rle({"\x01rR"s, "\x01gG"s,
                                                    "\xff"
                                                    "b"s})}};
  EXPECT_EQ(pixels_of(colour), (PixelsValues{'r', 'R', 'g', 'G', 'b', 'b'}));
}

TEST(DicomPixels, RefusesRleThatDecodesToAnotherSize) {
  using namespace std::string_literals;
  auto const good = pixels_rle({"\xfe\x01\x00\x00"s, "\x03\x07\x08\x09\x0a"s});
  for (auto const& bad : {
           pixels_rle({"\xfe\x01\x00\x00"s}),                       // a segment too few
           pixels_rle({"\xfe\x01\x00\x00"s, "\x02\x07\x08\x09"s}),  // a byte too few
           pixels_rle({"\xfe\x01\x00\x00"s, "\xfc\x07"s}),          // a byte too many
           pixels_rle({"\xfe\x01\x00\x00"s, "\x03\x07\x08"s}),      // breaks off
           pixels_rle({"\xfe\x01\x00\x00"s, "\xfd"s}),
           good.substr(0, 60),
           std::string{"\xff\xff\xff\xff"} + good.substr(4),
           good.substr(0, 4) + std::string{"\xff\xff\xff\x7f"} + good.substr(8),
           good.substr(0, 8) + std::string{"\x00\x00\x00\x00"s} + good.substr(12),
       }) {
    EXPECT_EQ(pixels_code({.syntax = made_rle, .fragments = {bad}}), "damaged");
  }
}

constexpr std::string_view pixels_jpeg = "1.2.840.10008.1.2.4.70";

// Encapsulated pieces, with a table of offsets or an empty one.
std::string pixels_pieces(std::string_view syntax,
                          std::vector<std::string> const& pieces,
                          std::vector<std::uint32_t> const& offsets = {}) {
  MadeDicom out;
  out.start(Tag::pixels, "OB", 0xffffffff);
  out.start(Tag::item, "", static_cast<std::uint32_t>(4 * offsets.size()));
  for (auto const offset : offsets) out.number(offset, 4);
  for (auto const& piece : pieces) {
    out.start(Tag::item, "", static_cast<std::uint32_t>(piece.size()));
    out.words(piece);
  }
  out.start(Tag::sequence_end, "", 0);
  return made_file(syntax, out.bytes());
}

// What the pieces of each of three frames hold, or the code of a refusal.
std::vector<std::string> pixels_parts(std::string const& bytes) {
  DicomFile const file{made_bytes(bytes), "made"};
  std::vector<std::string> out;
  try {
    for (std::int64_t frame = 0; frame < 3; ++frame) {
      out.emplace_back();
      for (auto const& part : fragments_of(file, {.frames = 3}, frame))
        out.back() += bytes.substr(part.at, part.length);
    }
  } catch (Refusal const& fault) {
    return {std::string{fault.code()}};
  }
  return out;
}

TEST(DicomPixels, FindsEachFrameAmongItsPieces) {
  using Parts = std::vector<std::string>;
  Parts const four{"aa", "bbbb", "cc", "dd"};
  EXPECT_EQ(pixels_parts(pixels_pieces(made_rle, {"aa", "bb", "cc"})),
            (Parts{"aa", "bb", "cc"}));
  EXPECT_EQ(pixels_parts(pixels_pieces(made_rle, four)), (Parts{"short-pixels"}));
  EXPECT_EQ(pixels_parts(pixels_pieces(made_rle, {"aa", "bb"})), (Parts{"short-pixels"}));
  // The second frame has two pieces.
  EXPECT_EQ(pixels_parts(pixels_pieces(made_rle, four, {0, 10, 32})),
            (Parts{"aa", "bbbbcc", "dd"}));
  for (auto const& bad : std::vector<std::vector<std::uint32_t>>{
           {0, 11, 32}, {0, 32, 10}, {0, 0, 32}, {10, 22, 32}, {0, 10, 4'000'000'000}})
    EXPECT_EQ(pixels_parts(pixels_pieces(made_rle, four, bad)), (Parts{"damaged"}));
}

TEST(DicomPixels, FindsFramesByTheMarksThatBeginTheirStreams) {
  using Parts = std::vector<std::string>;
  std::string const jpeg = "\xff\xd8\xff";
  EXPECT_EQ(pixels_parts(pixels_pieces(pixels_jpeg,
                                       {jpeg + "a", "bbbb", jpeg + "c", jpeg + "d", "eeeeee"})),
            (Parts{jpeg + "abbbb", jpeg + "c", jpeg + "deeeeee"}));
  std::string const wavelet = "\xff\x4f\xff\x51";
  EXPECT_EQ(pixels_parts(pixels_pieces("1.2.840.10008.1.2.4.90",
                                       {wavelet, "", wavelet + "aa", wavelet, "bb"})),
            (Parts{wavelet, wavelet + "aa", wavelet + "bb"}));
  // One mark too many, one too few, a piece before the first.
  for (auto const& bad : {Parts{jpeg + "a", jpeg + "b", jpeg + "c", jpeg + "d"},
                          Parts{jpeg + "a", "bb", jpeg + "c", "dd"},
                          Parts{"aa", jpeg + "b", jpeg + "c", jpeg + "d"}})
    EXPECT_EQ(pixels_parts(pixels_pieces(pixels_jpeg, bad)), (Parts{"short-pixels"}));
}

TEST(DicomPixels, RefusesWhatItCannotTrust) {
  std::string const eight(8, 'x');
  struct Row {
    char const* name;
    MadePixels made;
    char const* code;
  };
  for (auto const& row : {
           Row{"short", {.pixels = "1234567"}, "short-pixels"},
           Row{"short frames", {.frames = "2", .pixels = eight}, "short-pixels"},
           Row{"no rows", {.rows = 0, .pixels = eight}, "bad-size"},
           Row{"no columns", {.columns = 0, .pixels = eight}, "bad-size"},
           Row{"no frames", {.frames = "0", .pixels = eight}, "bad-size"},
           Row{"frames below 0", {.frames = "-1", .pixels = eight}, "bad-size"},
           Row{"frames in words", {.frames = "many", .pixels = eight}, "bad-size"},
           Row{"two samples", {.samples = 2, .pixels = eight}, "bad-size"},
           Row{"no samples", {.samples = 0, .pixels = eight}, "bad-size"},
           Row{"17 bits", {.stored = 17, .high = 16, .pixels = eight}, "bad-bits"},
           Row{"no bits", {.stored = 0, .pixels = eight}, "bad-bits"},
           Row{"12 bits allocated", {.allocated = 12, .pixels = eight}, "bad-bits"},
           Row{"high bit too low", {.stored = 12, .high = 3, .pixels = eight}, "bad-bits"},
           Row{"JPEG", {.syntax = "1.2.840.10008.1.2.4.50", .fragments = {eight}}, "damaged"},
           Row{"MPEG",
               {.syntax = "1.2.840.10008.1.2.4.100", .fragments = {eight}},
               "unsupported-codec"},
           Row{"no bytes", {.syntax = made_rle, .fragments = {""}}, "short-pixels"},
           Row{"unknown", {.syntax = "1.2.3.4", .fragments = {eight}}, "unsupported-codec"},
           Row{"half a pair",
               {.columns = 1,
               .samples = 3,
               .photometric = "YBR_FULL_422",
               .allocated = 8,
               .stored = 8,
               .high = 7,
               .pixels = eight},
               "bad-size"},
           Row{"half a pair, of a syntax nobody knows",
               {.syntax = "1.2.3.4",
               .columns = 1,
               .samples = 3,
               .photometric = "YBR_FULL_422",
               .allocated = 8,
               .stored = 8,
               .high = 7,
               .pixels = eight},
               "bad-size"},
           Row{"short piece",
               {.syntax = "1.2.840.10008.1.2.1.98", .fragments = {"123456"}},
               "short-pixels"},
       }) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(pixels_code(row.made), row.code);
  }
  EXPECT_EQ(pixels_code({.pixels = eight}, 1), "no-frame");
  EXPECT_EQ(pixels_code({.pixels = eight}, -1), "no-frame");
  MadeDicom report;
  report.put(Tag::modality, "CS", "SR");
  auto const bytes = made_file(made_explicit, report.bytes());
  EXPECT_THROW(dicom_shape(scan_dicom(made_bytes(bytes))), Refusal);
}

// Four pixels with this palette for each colour, made by put(writer, colour).
template <class Put>
PixelsValues pixels_painted(std::string const& pixels, Put&& put) {
  MadeDicom out;
  out.put_short(Tag::samples, 1);
  out.put(Tag::photometric, "CS", "PALETTE COLOR");
  out.put_short(Tag::rows, 1);
  out.put_short(Tag::columns, 4);
  out.put_short(Tag::bits_allocated, 8);
  put(out);
  out.start(Tag::pixels, "OB", 4);
  out.words(pixels);
  auto const bytes = made_file(made_explicit, out.bytes());
  DicomFile const file{made_bytes(bytes), "x"};
  return pixels_values(in_colour(decode_frame(file), file.scan()));
}

TEST(DicomPixels, PaintsPalettesAndClampsWhatIsBeyondTheirEnds) {
  constexpr Tag kinds[] = {Tag::palette_red, Tag::palette_green, Tag::palette_blue};
  auto const plain = [&](MadeDicom& out) {
    for (auto const tag : kinds) {
      out.start(tag, "US", 6);
      out.words(pixels_shorts({2, 10, 16}));  // two colours, of 10 and 11
    }
    int base = 0;
    for (auto const tag :
         {Tag::palette_red_data, Tag::palette_green_data, Tag::palette_blue_data}) {
      out.start(tag, "OW", 4);
      out.words(pixels_shorts({base + 1, base + 2}));
      base += 100;
    }
  };
  EXPECT_EQ(pixels_painted("\x0a\x0b\x05\xff", plain),
            (PixelsValues{1, 2, 1, 2, 101, 102, 101, 102, 201, 202, 201, 202}));
  auto const segments = [&](MadeDicom& out) {
    for (auto const tag : kinds) {
      out.start(tag, "US", 6);
      out.words(pixels_shorts({5, 0, 16}));
    }
    for (auto const tag :
         {Tag::palette_red_segments, Tag::palette_green_segments, Tag::palette_blue_segments}) {
      out.start(tag, "OW", 14);
      out.words(pixels_shorts({0, 1, 7, 1, 4, 407, 0}));  // 7, then a line to 407 in four steps
    }
  };
  auto const painted = pixels_painted(std::string("\x00\x01\x02\x04", 4), segments);
  EXPECT_EQ(PixelsValues(painted.begin(), painted.begin() + 4),
            (PixelsValues{7, 107, 207, 407}));
  auto const bad = [&](MadeDicom& out) {
    for (auto const tag : kinds) {
      out.start(tag, "US", 6);
      out.words(pixels_shorts({3, 0, 16}));  // of which only two are there
    }
    for (auto const tag :
         {Tag::palette_red_data, Tag::palette_green_data, Tag::palette_blue_data}) {
      out.start(tag, "OW", 4);
      out.words(pixels_shorts({1, 2}));
    }
  };
  EXPECT_THROW(pixels_painted("abcd", bad), Refusal);
}

TEST(DicomPixels, TurnsYbrIntoRgb) {
  MadePixels const ybr{.rows = 1,
                       .columns = 2,
                       .samples = 3,
                       .photometric = "YBR_FULL",
                       .allocated = 8,
                       .stored = 8,
                       .high = 7,
                       .pixels = "\x64\x80\x80\x4c\x55\xff"};
  auto const more = ybr.bytes();
  DicomFile const other{made_bytes(more), "x"};
  auto const rgb = pixels_values(in_colour(decode_frame(other), other.scan()));
  EXPECT_EQ(rgb, (PixelsValues{100, 254, 100, 0, 100, 0}));
}

// --- files that others made
// ----------------------------------------------------------------------

fs::path pixels_conformance() {
  auto const* const data = std::getenv("FOVEA_DATA");
  return (data != nullptr ? fs::path{data}
                          : fs::path{FOVEA_SOURCE_DIR}.parent_path() / "shared" / "data") /
         "dicom-conformance";
}

// Of a row of the table.
struct PixelsRow {
  std::string group, file, decoded, md5, exact;
  double min = 0, max = 0, mean = 0;
};

std::vector<PixelsRow> pixels_rows() {
  std::vector<PixelsRow> out;
  auto const lines = split(read_text(pixels_conformance() / "expected.csv"), '\n');
  for (std::size_t i = 1; i < lines.size(); ++i) {
    auto const cells = split(lines[i], ',');
    if (cells.size() != 26) continue;
    auto const value = [&](std::size_t at) { return number(cells[at]).value_or(0); };
    out.push_back({.group = std::string{cells[0]},
                   .file = std::string{cells[1]},
                   .decoded = std::string{cells[17]},
                   .md5 = std::string{cells[23]},
                   .exact = std::string{cells[24]},
                   .min = value(20),
                   .max = value(21),
                   .mean = value(22)});
  }
  return out;
}

Bytes pixels_bytes_of(std::string const& group, std::string const& file) {
  static std::map<std::string, std::unique_ptr<ZipReader>> zips;
  auto& zip = zips[group];
  if (!zip) zip = std::make_unique<ZipReader>(pixels_conformance() / (group + ".zip"));
  return zip->read(file, 64U << 20);
}

// All frames, colours pixel by pixel, little endian: as the table has them.
Bytes pixels_mixed(DicomFile const& file) {
  auto const shape = dicom_shape(file.scan());
  Bytes out;
  for (std::int64_t frame = 0; frame < shape.frames; ++frame) {
    auto const image = decode_frame(file, shape, frame);
    auto const each = bytes_of(image.type());
    auto const pixels = static_cast<std::size_t>(image.voxels());
    auto const samples = static_cast<std::size_t>(image.channels());
    auto const done = out.size();
    out.resize(done + image.byte_count());
    for (std::size_t c = 0; c < samples; ++c) {
      for (std::size_t i = 0; i < pixels; ++i)
        std::memcpy(out.data() + done + (i * samples + c) * each,
                    image.bytes().get() + (c * pixels + i) * each, each);
    }
  }
  return out;
}

std::string pixels_md5(Bytes const& bytes) {
  std::array<unsigned char, 16> digest{};
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_md5(), nullptr);
  std::string out;
  for (auto const byte : digest) {
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

TEST(DicomPixels, AreThoseOfTheConformanceTable) {
  if (!fs::exists(pixels_conformance())) GTEST_SKIP() << "no dicom-conformance here";
  int right = 0;
  for (auto const& row : pixels_rows()) {
    if (row.exact != "yes") continue;
    SCOPED_TRACE(row.file);
    auto const bytes = pixels_bytes_of(row.group, row.file);
    try {
      auto const md5 = pixels_md5(pixels_mixed(DicomFile{bytes, row.file}));
      EXPECT_EQ(md5, row.md5);
      right += md5 == row.md5 ? 1 : 0;
    } catch (Refusal const& fault) {
      ADD_FAILURE() << fault.code() << ": " << fault.what();
    }
  }
  EXPECT_EQ(right, 161);
}

struct PixelsSpread {
  double min = 0, max = 0, mean = 0;
};

PixelsSpread pixels_spread(DicomFile const& file) {
  auto const shape = dicom_shape(file.scan());
  PixelsValues all;
  for (std::int64_t frame = 0; frame < shape.frames; ++frame)
    std::ranges::copy(pixels_values(decode_frame(file, shape, frame)), std::back_inserter(all));
  auto const [min, max] = std::ranges::minmax(all);
  return {
      .min = min,
      .max = max,
      .mean = std::accumulate(all.begin(), all.end(), 0.0) / static_cast<double>(all.size())};
}

TEST(DicomPixels, AreAboutThoseOfTheConformanceTableWhereSomethingWasLost) {
  if (!fs::exists(pixels_conformance())) GTEST_SKIP() << "no dicom-conformance here";
  // What the reference makes of it is noise: its width was overwritten.
  constexpr std::string_view damaged = "test_files/JPEG2000-embedded-sequence-delimiter.dcm";
  int compared = 0;
  for (auto const& row : pixels_rows()) {
    if (row.exact != "no" || row.file == damaged) continue;
    SCOPED_TRACE(row.file);
    auto const bytes = pixels_bytes_of(row.group, row.file);
    auto const got = pixels_spread(DicomFile{bytes, row.file});
    EXPECT_EQ(got.min, row.min);
    EXPECT_EQ(got.max, row.max);
    EXPECT_NEAR(got.mean, row.mean, 0.001);
    ++compared;
  }
  EXPECT_EQ(compared, 31);
  auto const bytes = pixels_bytes_of("pydicom_test_files", std::string{damaged});
  EXPECT_EQ(pixels_code(bytes), "bad-size");
}

// Files that hold the same pixels, packed each in its way.
TEST(DicomPixels, AreTheSameInEachWrapping) {
  if (!fs::exists(pixels_conformance())) GTEST_SKIP() << "no dicom-conformance here";
  struct Row {
    char const* truth;
    std::vector<char const*> others;
  };
  for (auto const& row : {
           Row{"liver.dcm", {"liver_deflate.dcm", "liver_rle.dcm", "liver_j2k.dcm"}},
           Row{"liver_nonbyte_aligned.dcm",
               {"liver_nonbyte_aligned_deflate.dcm", "liver_nonbyte_aligned_rle.dcm",
                "liver_nonbyte_aligned_j2k.dcm"}},
           Row{"US1_UNCR.dcm", {"US1_J2KR.dcm"}},
           Row{"693_UNCR.dcm", {"693_J2KR.dcm"}},
       }) {
    auto const mixed = [](char const* name) {
      auto const bytes = pixels_bytes_of("pydicom_data", name);
      return pixels_mixed(DicomFile{bytes, name});
    };
    auto const truth = mixed(row.truth);
    for (auto const* const other : row.others) EXPECT_TRUE(mixed(other) == truth) << other;
  }
  for (auto const* const name : {"HTJ2KLossless_08_RGB.dcm", "HTJ2K_08_RGB.dcm"}) {
    auto const bytes = pixels_bytes_of("pydicom_data", name);
    auto const got = pixels_spread(DicomFile{bytes, name});
    EXPECT_NEAR(got.mean, 127.10, 0.01);
  }
}

}  // namespace
}  // namespace fovea
