#include "base/io/picture.hpp"

#include "base/core/rng.hpp"
#include "base/io/made/pictures.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace fovea {
namespace {

using Values = std::vector<int>;

// All voxels, channel by channel.
Values picture_values(Volume const& picture) {
  Values out;
  with_type(picture.type(), [&](auto zero) {
    for (auto const value : picture.as<decltype(zero)>())
      out.push_back(static_cast<int>(value));
  });
  return out;
}

std::string picture_fault(std::span<std::byte const> bytes, PictureLimits const& limits = {}) {
  try {
    decode_picture(bytes, "x", limits);
  } catch (Error const& fault) {
    EXPECT_EQ(fault.fault(), Fault::input) << fault.what();
    return fault.what();
  }
  return "";
}

Bytes picture_bytes(std::string_view words) {
  auto const bytes = std::as_bytes(std::span{words});
  return {bytes.begin(), bytes.end()};
}

struct PictureExpected {
  std::string name;
  Bytes bytes;
  std::int64_t width, height, channels;
  Type type;
  Values values;
};

void expect_picture(PictureExpected const& row) {
  SCOPED_TRACE(row.name);
  try {
    auto const picture = decode_picture(row.bytes, "x");
    EXPECT_EQ(picture.width(), row.width);
    EXPECT_EQ(picture.height(), row.height);
    EXPECT_EQ(picture.depth(), 1);
    EXPECT_EQ(picture.channels(), row.channels);
    EXPECT_EQ(name_of(picture.type()), name_of(row.type));
    EXPECT_EQ(picture_values(picture), row.values);
  } catch (Error const& fault) {
    ADD_FAILURE() << fault.what();
  }
}

TEST(Png, ReadsEveryDepthAndKind) {
  using S = std::vector<std::uint16_t>;
  std::vector<PaletteColour> const grey{{10, 10, 10}, {200, 200, 200}};
  std::vector<PaletteColour> const colours{{255, 0, 0}, {0, 128, 0}, {1, 2, 3}, {9, 8, 7}};
  for (bool const interlaced : {false, true}) {
    auto const made = [&](PngMade png) {
      png.interlaced = interlaced;
      return made_png(png);
    };
    for (auto const& row : std::vector<PictureExpected>{
             {"1 bit",
              made({.width = 3, .height = 2, .bits = 1, .samples = S{0, 1, 0, 1, 1, 0}}),
              3,
              2,
              1,
              Type::u8,
              {0, 255, 0, 255, 255, 0}},
             {"2 bit",
              made({.width = 4, .height = 1, .bits = 2, .samples = S{0, 1, 2, 3}}),
              4,
              1,
              1,
              Type::u8,
              {0, 85, 170, 255}},
             {"4 bit",
              made({.width = 3, .height = 1, .bits = 4, .samples = S{0, 7, 15}}),
              3,
              1,
              1,
              Type::u8,
              {0, 119, 255}},
             {"8 bit",
              made({.width = 2, .height = 2, .bits = 8, .samples = S{0, 1, 254, 255}}),
              2,
              2,
              1,
              Type::u8,
              {0, 1, 254, 255}},
             {"16 bit",
              made({.width = 2, .height = 1, .bits = 16, .samples = S{258, 65535}}),
              2,
              1,
              1,
              Type::u16,
              {258, 65535}},
             {"colour",
              made({.width = 2,
              .height = 1,
              .bits = 8,
              .kind = PNG_COLOR_TYPE_RGB,
              .samples = S{1, 2, 3, 4, 5, 6}}),
              2,
              1,
              3,
              Type::u8,
              {1, 4, 2, 5, 3, 6}},
             {"colour of 16 bits",
              made({.width = 1,
              .height = 2,
              .bits = 16,
              .kind = PNG_COLOR_TYPE_RGB,
              .samples = S{256, 2, 3, 4, 5, 60000}}),
              1,
              2,
              3,
              Type::u16,
              {256, 4, 2, 5, 3, 60000}},
             {"grey and alpha",
              made({.width = 3,
              .height = 1,
              .bits = 8,
              .kind = PNG_COLOR_TYPE_GRAY_ALPHA,
              .samples = S{200, 255, 200, 0, 200, 128}}),
              3,
              1,
              1,
              Type::u8,
              {200, 0, 100}},
             {"colour and alpha",
              made({.width = 2,
              .height = 1,
              .bits = 8,
              .kind = PNG_COLOR_TYPE_RGB_ALPHA,
              .samples = S{9, 8, 7, 255, 100, 50, 200, 51}}),
              2,
              1,
              3,
              Type::u8,
              {9, 20, 8, 10, 7, 40}},
             {"alpha of 16 bits",
              made({.width = 2,
              .height = 1,
              .bits = 16,
              .kind = PNG_COLOR_TYPE_GRAY_ALPHA,
              .samples = S{60000, 65535, 60000, 32768}}),
              2,
              1,
              1,
              Type::u16,
              {60000, 30000}},
             {"colour palette",
              made({.width = 4,
              .height = 1,
              .bits = 2,
              .kind = PNG_COLOR_TYPE_PALETTE,
              .samples = S{0, 1, 2, 3},
              .palette = colours}),
              4,
              1,
              3,
              Type::u8,
              {255, 0, 1, 9, 0, 128, 2, 8, 0, 0, 3, 7}},
             {"grey palette",
              made({.width = 3,
              .height = 1,
              .bits = 1,
              .kind = PNG_COLOR_TYPE_PALETTE,
              .samples = S{1, 0, 1},
              .palette = grey}),
              3,
              1,
              1,
              Type::u8,
              {200, 10, 200}},
             {"palette with alpha",
              made({.width = 2,
              .height = 1,
              .bits = 8,
              .kind = PNG_COLOR_TYPE_PALETTE,
              .samples = S{0, 1},
              .palette = grey,
              .alphas = {255, 51}}),
              2,
              1,
              1,
              Type::u8,
              {10, 40}},
             {"transparent grey",
              made({.width = 2, .height = 1, .bits = 4, .samples = S{3, 5}, .clear = 3}),
              2,
              1,
              1,
              Type::u8,
              {0, 85}},
             {"8 rows of 16 bits",
              made({.width = 1, .height = 8, .bits = 16, .samples = S{1, 2, 3, 4, 5, 6, 7, 8}}),
              1,
              8,
              1,
              Type::u16,
              {1, 2, 3, 4, 5, 6, 7, 8}},
         })
      expect_picture(row);
  }
}

TEST(Png, TurnsAsItsExifSays) {
  using S = std::vector<std::uint16_t>;
  expect_picture({"six",
                  made_png({.width = 3,
                            .height = 2,
                            .bits = 8,
                            .samples = S{1, 2, 3, 4, 5, 6},
                            .exif = made_exif(6, false)}),
                  2,
                  3,
                  1,
                  Type::u8,
                  {4, 1, 5, 2, 6, 3}});
}

TEST(Png, RefusesAPixelBeyondItsPalette) {
  auto const bytes = made_png({.width = 1,
                               .height = 1,
                               .bits = 8,
                               .kind = PNG_COLOR_TYPE_PALETTE,
                               .samples = {7},
                               .palette = {{1, 1, 1}, {2, 2, 2}}});
  EXPECT_NE(picture_fault(bytes).find("palette"), std::string::npos);
}

TEST(Png, RefusesABombByItsHeader) {
  auto bytes = made_png({.width = 1, .height = 1, .bits = 8, .samples = {0}});
  for (auto const& [width, height] :
       {std::pair{0x7fffffffU, 0x7fffffffU}, {10'000U, 10'000U}, {0U, 1U}, {0xffffffffU, 1U}}) {
    made_big_endian(bytes, 16, width);
    made_big_endian(bytes, 20, height);
    made_png_checksum(bytes);
    EXPECT_NE(picture_fault(bytes), "") << width;
  }
  made_big_endian(bytes, 16, 10'000);
  made_big_endian(bytes, 20, 10'000);
  EXPECT_EQ(picture_fault(bytes),
            "x: expected at most 64000000 pixels, got 10000 x 10000; make the picture smaller");
}

TEST(Png, IsWrittenSoThatItReadsBackAndTheSameEveryTime) {
  for (auto const type : {Type::u8, Type::u16}) {
    for (std::int64_t const channels : {1, 3}) {
      auto picture = image2d(37, 23, type, channels);
      with_type(type, [&](auto zero) {
        if constexpr (std::is_integral_v<decltype(zero)>) {
          Rng rng{5};
          for (auto& voxel : picture.write<decltype(zero)>())
            voxel = static_cast<decltype(zero)>(rng.next());
        }
      });
      auto const bytes = encode_png(picture);
      EXPECT_EQ(bytes, encode_png(picture));
      auto const back = decode_picture(bytes, "x");
      EXPECT_EQ(back.type(), type);
      EXPECT_EQ(back.channels(), channels);
      EXPECT_EQ(picture_values(back), picture_values(picture));
    }
  }
  auto clear = image2d(1, 1, Type::u8, 4);
  std::ranges::fill(clear.write<std::uint8_t>(), std::uint8_t{128});
  EXPECT_EQ(picture_values(decode_picture(encode_png(clear), "x")), (Values{64, 64, 64}));
  EXPECT_THROW(encode_png(image2d(1, 1, Type::f32)), Error);
  EXPECT_THROW(encode_png(image2d(1, 1, Type::u8, 2)), Error);
}

// A ramp that JPEG keeps within a few grey values.
void expect_ramp(Bytes const& bytes, std::int64_t channels) {
  auto const picture = decode_picture(bytes, "x");
  ASSERT_EQ(picture.width(), 64);
  ASSERT_EQ(picture.height(), 48);
  ASSERT_EQ(picture.channels(), channels);
  for (std::int64_t c = 0; c < channels; ++c) {
    auto const values = picture.channel<std::uint8_t>(c);
    for (std::int64_t j = 0; j < 48; ++j)
      for (std::int64_t i = 0; i < 64; ++i)
        ASSERT_NEAR(values[static_cast<std::size_t>(j * 64 + i)], made_ramp(i, j, c), 6)
            << i << ", " << j << ", " << c;
  }
}

TEST(Jpeg, ReadsGreyColourAndFourInks) {
  expect_ramp(made_jpeg({.space = JCS_GRAYSCALE}), 1);
  expect_ramp(made_jpeg({.space = JCS_YCbCr}), 3);
  expect_ramp(made_jpeg({.space = JCS_YCbCr, .progressive = true}), 3);
  expect_ramp(made_jpeg({.space = JCS_RGB}), 3);
  expect_ramp(made_jpeg({.space = JCS_CMYK}), 3);
  expect_ramp(made_jpeg({.space = JCS_YCCK}), 3);
}

TEST(Jpeg, TurnsAsItsExifSays) {
  for (bool const big : {false, true}) {
    for (int orientation = 1; orientation <= 8; ++orientation) {
      SCOPED_TRACE(orientation);
      auto const picture = decode_picture(
          made_jpeg({.space = JCS_GRAYSCALE, .exif = made_exif(orientation, big)}), "x");
      auto const swapped = orientation >= 5;
      ASSERT_EQ(picture.width(), swapped ? 48 : 64);
      // Where the corner at the top left of the stored picture is to be seen, as the EXIF
      // standard's table says.
      constexpr int right[] = {0, 0, 1, 1, 0, 0, 1, 1, 0};
      constexpr int down[] = {0, 0, 0, 1, 1, 0, 0, 1, 1};
      auto const at = [&](int x, int y) {
        return int{picture.as<std::uint8_t>()[static_cast<std::size_t>(
            y * (picture.height() - 1) * picture.width() + x * (picture.width() - 1))]};
      };
      auto const x = right[orientation];
      auto const y = down[orientation];
      EXPECT_NEAR(at(x, y), made_ramp(0, 0, 0), 6);
      EXPECT_NEAR(swapped ? at(x, 1 - y) : at(1 - x, y), made_ramp(63, 0, 0), 6);
      EXPECT_NEAR(swapped ? at(1 - x, y) : at(x, 1 - y), made_ramp(0, 47, 0), 6);
    }
  }
}

TEST(Jpeg, IsNotRefusedForSenselessExif) {
  auto exif = made_exif(6, false);
  for (std::size_t size = 0; size < exif.size(); ++size) {
    auto const cut = Bytes(exif.begin(), exif.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(picture_fault(made_jpeg({.space = JCS_GRAYSCALE, .exif = cut})), "") << size;
  }
  EXPECT_EQ(
      decode_picture(made_jpeg({.space = JCS_GRAYSCALE, .exif = made_exif(9, false)}), "x")
          .width(),
      64);
  for (auto const place :
       {4, 5, 6, 7, 8, 9}) {  // where the table lies, and how long it says it is
    auto bad = exif;
    bad[static_cast<std::size_t>(place)] = std::byte{0xff};
    EXPECT_EQ(picture_fault(made_jpeg({.space = JCS_GRAYSCALE, .exif = bad})), "");
  }
}

TEST(Jpeg, IsRefusedByItsHeaderWhenTooLarge) {
  EXPECT_NE(picture_fault(made_jpeg({.space = JCS_GRAYSCALE}), {.pixels = 64 * 48 - 1}), "");
  EXPECT_EQ(picture_fault(made_jpeg({.space = JCS_GRAYSCALE}), {.pixels = 64 * 48}), "");
}

TEST(Tiff, ReadsDepthsKindsAndPackings) {
  for (auto const packing :
       {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE, COMPRESSION_PACKBITS}) {
    for (auto const layout : {TiffLayout::strips, TiffLayout::tiles, TiffLayout::planes}) {
      for (bool const big : {false, true}) {
        auto const made = [&](TiffMade tiff) {
          tiff.packing = packing;
          tiff.layout = layout;
          tiff.big = big;
          return made_tiff(tiff);
        };
        auto const named = [&](char const* what) {
          return text(what, ", packing ", packing, ", layout ", static_cast<int>(layout));
        };
        using S = std::vector<std::uint16_t>;
        S sixteen;
        Values sixteen_values;
        for (int i = 0; i < 40 * 21; ++i) {
          sixteen.push_back(static_cast<std::uint16_t>(i * 77));
          sixteen_values.push_back(static_cast<std::uint16_t>(i * 77));
        }
        std::vector<PaletteColour> palette(16);
        palette[3] = {200, 100, 50};
        palette[4] = {1, 2, 3};
        for (auto const& row : std::vector<PictureExpected>{
                 {named("1 bit"),
                  made({.width = 3, .height = 2, .bits = 1, .samples = S{0, 1, 0, 1, 1, 0}}),
                  3,
                  2,
                  1,
                  Type::u8,
                  {0, 255, 0, 255, 255, 0}},
                 {named("white is zero"),
                  made({.width = 3,
                  .height = 1,
                  .bits = 1,
                  .kind = PHOTOMETRIC_MINISWHITE,
                  .samples = S{0, 1, 0}}),
                  3,
                  1,
                  1,
                  Type::u8,
                  {255, 0, 255}},
                 {named("4 bit"),
                  made({.width = 3, .height = 1, .bits = 4, .samples = S{0, 7, 15}}),
                  3,
                  1,
                  1,
                  Type::u8,
                  {0, 119, 255}},
                 {named("8 bit, white is zero"),
                  made({.width = 2,
                  .height = 1,
                  .bits = 8,
                  .kind = PHOTOMETRIC_MINISWHITE,
                  .samples = S{0, 200}}),
                  2,
                  1,
                  1,
                  Type::u8,
                  {255, 55}},
                 {named("16 bit"),
                  made({.width = 40, .height = 21, .bits = 16, .samples = sixteen}), 40, 21, 1,
                  Type::u16, sixteen_values},
                 {named("16 bit, white is zero"),
                  made({.width = 2,
                  .height = 1,
                  .bits = 16,
                  .kind = PHOTOMETRIC_MINISWHITE,
                  .samples = S{0, 60000}}),
                  2,
                  1,
                  1,
                  Type::u16,
                  {65535, 5535}},
                 {named("colour"),
                  made({.width = 2,
                  .height = 1,
                  .bits = 8,
                  .kind = PHOTOMETRIC_RGB,
                  .each = 3,
                  .samples = S{1, 2, 3, 4, 5, 6}}),
                  2,
                  1,
                  3,
                  Type::u8,
                  {1, 4, 2, 5, 3, 6}},
                 {named("colour and alpha"),
                  made({.width = 2,
                  .height = 1,
                  .bits = 8,
                  .kind = PHOTOMETRIC_RGB,
                  .each = 4,
                  .extra = EXTRASAMPLE_UNASSALPHA,
                  .samples = S{10, 20, 30, 255, 100, 50, 200, 51}}),
                  2,
                  1,
                  3,
                  Type::u8,
                  {10, 20, 20, 10, 30, 40}},
                 {named("associated alpha"),
                  made({.width = 1,
                  .height = 1,
                  .bits = 8,
                  .each = 2,
                  .extra = EXTRASAMPLE_ASSOCALPHA,
                  .samples = S{100, 128}}),
                  1,
                  1,
                  1,
                  Type::u8,
                  {100}},
                 {named("palette"),
                  made({.width = 2,
                  .height = 1,
                  .bits = 4,
                  .kind = PHOTOMETRIC_PALETTE,
                  .samples = S{3, 4},
                  .palette = palette}),
                  2,
                  1,
                  3,
                  Type::u8,
                  {200, 1, 100, 2, 50, 3}},
             })
          expect_picture(row);
      }
    }
  }
}

TEST(Tiff, TurnsAsItsTagSaysAndTakesTheFirstPage) {
  using S = std::vector<std::uint16_t>;
  expect_picture({"six",
                  made_tiff({.width = 3,
                             .height = 2,
                             .bits = 8,
                             .samples = S{1, 2, 3, 4, 5, 6},
                             .orientation = 6,
                             .pages = 3}),
                  2,
                  3,
                  1,
                  Type::u8,
                  {4, 1, 5, 2, 6, 3}});
}

TEST(Tiff, RefusesWhatItWouldMisread) {
  auto const tiff = [](TiffMade made) { return picture_fault(made_tiff(made)); };
  using S = std::vector<std::uint16_t>;
  EXPECT_NE(
      tiff({.width = 1, .height = 1, .bits = 16, .samples = S{1}, .format = SAMPLEFORMAT_INT})
          .find("unsigned"),
      std::string::npos);
  EXPECT_NE(tiff({.width = 1,
                  .height = 1,
                  .bits = 8,
                  .kind = PHOTOMETRIC_CIELAB,
                  .each = 3,
                  .samples = S{1, 2, 3}})
                .find("colour space 8"),
            std::string::npos);
  EXPECT_NE(tiff({.width = 1,
                  .height = 1,
                  .bits = 8,
                  .kind = PHOTOMETRIC_SEPARATED,
                  .each = 4,
                  .samples = S{1, 2, 3, 4}}),
            "");
  EXPECT_NE(picture_fault(made_tiff({.width = 9, .height = 9, .bits = 8, .samples = S(81)}),
                          {.pixels = 80}),
            "");
}

TEST(Bmp, ReadsEveryDepthFromEitherEnd) {
  std::vector<PaletteColour> const grey{
      {0, 0, 0}, {85, 85, 85}, {170, 170, 170}, {255, 255, 255}};
  std::vector<PaletteColour> const colours{{1, 2, 3}, {200, 100, 50}};
  using B = std::vector<std::uint8_t>;
  for (bool const down : {false, true}) {
    auto const made = [&](BmpMade bmp) {
      bmp.down = down;
      return made_bmp(bmp);
    };
    for (auto const& row : std::vector<PictureExpected>{
             {"1 bit",
              made({.width = 3,
              .height = 2,
              .bits = 1,
              .rows = {B{0b01000000}, B{0b10100000}},
              .palette = colours}),
              3,
              2,
              3,
              Type::u8,
              {1, 200, 1, 200, 1, 200, 2, 100, 2, 100, 2, 100, 3, 50, 3, 50, 3, 50}},
             {"4 bit",
              made({.width = 3,
              .height = 2,
              .bits = 4,
              .rows = {B{0x01, 0x20}, B{0x32, 0x10}},
              .palette = grey}),
              3,
              2,
              1,
              Type::u8,
              {0, 85, 170, 255, 170, 85}},
             {"8 bit",
              made({.width = 2,
              .height = 2,
              .bits = 8,
              .rows = {B{0, 1}, B{2, 3}},
              .palette = grey}),
              2,
              2,
              1,
              Type::u8,
              {0, 85, 170, 255}},
             {"16 bit",
              made({.width = 2, .height = 1, .bits = 16, .rows = {B{0xff, 0x7f, 0x1f, 0x00}}}),
              2,
              1,
              3,
              Type::u8,
              {255, 0, 255, 0, 255, 255}},
             {"24 bit",
              made({.width = 2, .height = 1, .bits = 24, .rows = {B{3, 2, 1, 6, 5, 4}}}),
              2,
              1,
              3,
              Type::u8,
              {1, 4, 2, 5, 3, 6}},
             {"32 bit",
              made({.width = 1,
              .height = 2,
              .bits = 32,
              .rows = {B{3, 2, 1, 0}, B{6, 5, 4, 99}}}),
              1,
              2,
              3,
              Type::u8,
              {1, 4, 2, 5, 3, 6}},
             {"32 bit with masks and alpha",
              made({.width = 2,
              .height = 1,
              .bits = 32,
              .rows = {B{10, 20, 30, 255, 100, 50, 200, 51}},
              .masks = {0xff, 0xff00, 0xff0000, 0xff000000}}),
              2,
              1,
              3,
              Type::u8,
              {10, 20, 20, 10, 30, 40}},
         })
      expect_picture(row);
  }
}

TEST(Bmp, RefusesWhatIsPackedOrSenseless) {
  BmpMade const good{.width = 2,
                     .height = 2,
                     .bits = 8,
                     .rows = {{0, 1}, {1, 0}},
                     .palette = {{1, 1, 1}, {2, 2, 2}}};
  EXPECT_EQ(picture_fault(made_bmp(good)), "");
  auto bad = made_bmp(good);
  bad[30] = std::byte{1};
  EXPECT_NE(picture_fault(bad).find("run lengths"), std::string::npos);
  bad = made_bmp(good);
  bad[28] = std::byte{7};
  EXPECT_NE(picture_fault(bad).find("7 bits"), std::string::npos);
  bad = made_bmp(good);
  bad[18] = std::byte{0xff};
  EXPECT_NE(picture_fault(bad).find("bytes of pixels"), std::string::npos);
  bad = made_bmp(good);
  bad[21] = std::byte{0x7f};
  EXPECT_NE(picture_fault(bad).find("at most"), std::string::npos);
  bad = made_bmp(good);
  std::fill_n(bad.begin() + 22, 4, std::byte{0});
  bad[25] = std::byte{0x80};  // -2^31 rows
  EXPECT_NE(picture_fault(bad), "");
  bad = made_bmp(good);
  bad.back() = bad[bad.size() - 4] = bad[bad.size() - 8] = std::byte{9};
  EXPECT_NE(picture_fault(bad).find("palette"), std::string::npos);
}

// What masks are: the palette is there to be looked at.
TEST(StoredNumbers, AreIndicesAndBitsAsTheyWereWritten) {
  using S = std::vector<std::uint16_t>;
  using B = std::vector<std::uint8_t>;
  // A dark grey, not black, and colours: index 0 stays 0.
  std::vector<PaletteColour> const palette{
      {77, 77, 77}, {255, 255, 255}, {128, 0, 0}, {0, 128, 0}};
  std::vector<PaletteColour> wide(16);
  wide[3] = {200, 100, 50};
  struct Row {
    std::string_view name;
    Bytes bytes;
    Values values;
  };
  for (auto const& row : std::vector<Row>{
           {"gif",
            made_gif({.width = 3, .height = 1, .indices = B{0, 1, 3}, .palette = palette}),
            {0, 1, 3}},
           {"gif with a transparent index",
            made_gif({.width = 2,
            .height = 1,
            .indices = B{3, 1},
            .palette = palette,
            .transparent = 3}),
            {3, 1}},
           {"png",
            made_png({.width = 4,
            .height = 1,
            .bits = 8,
            .kind = PNG_COLOR_TYPE_PALETTE,
            .samples = S{0, 1, 2, 3},
            .palette = palette}),
            {0, 1, 2, 3}},
           {"png of 2 bits",
            made_png({.width = 3, .height = 1, .bits = 2, .samples = S{0, 1, 3}}),
            {0, 1, 3}},
           {"png of 1 bit",
            made_png({.width = 2, .height = 1, .bits = 1, .samples = S{0, 1}}),
            {0, 1}},
           {"png of 8 bits",
            made_png({.width = 2, .height = 1, .bits = 8, .samples = S{0, 200}}),
            {0, 200}},
           {"tiff with a palette",
            made_tiff({.width = 2,
            .height = 1,
            .bits = 4,
            .kind = PHOTOMETRIC_PALETTE,
            .samples = S{3, 4},
            .palette = wide}),
            {3, 4}},
           {"tiff of 4 bits",
            made_tiff({.width = 2, .height = 1, .bits = 4, .samples = S{1, 15}}),
            {1, 15}},
           {"tiff of 1 bit, white is zero",
            made_tiff({.width = 2,
            .height = 1,
            .bits = 1,
            .kind = PHOTOMETRIC_MINISWHITE,
            .samples = S{0, 1}}),
            {1, 0}},
           {"bmp",
            made_bmp(
                {.width = 2, .height = 1, .bits = 8, .rows = {B{3, 1}}, .palette = palette}),
            {3, 1}}}) {
    auto const picture = decode_picture(row.bytes, row.name, {}, PictureNumbers::stored);
    EXPECT_EQ(picture.channels(), 1) << row.name;
    EXPECT_EQ(picture_values(picture), row.values) << row.name;
  }
}

TEST(Gif, ReadsTheFirstFrame) {
  std::vector<PaletteColour> const grey{
      {0, 0, 0}, {85, 85, 85}, {170, 170, 170}, {255, 255, 255}};
  std::vector<PaletteColour> const colours{{1, 2, 3}, {200, 100, 50}};
  using B = std::vector<std::uint8_t>;
  for (auto const& row : std::vector<PictureExpected>{
           {"grey",
            made_gif({.width = 2, .height = 2, .indices = B{0, 1, 2, 3}, .palette = grey}),
            2,
            2,
            1,
            Type::u8,
            {0, 85, 170, 255}},
           {"colour",
            made_gif({.width = 2, .height = 1, .indices = B{0, 1}, .palette = colours}),
            2,
            1,
            3,
            Type::u8,
            {1, 200, 2, 100, 3, 50}},
           {"two frames",
            made_gif(
                {.width = 2, .height = 1, .indices = B{3, 1}, .palette = grey, .frames = 2}),
            2,
            1,
            1,
            Type::u8,
            {255, 85}},
           {"interlaced",
            made_gif({.width = 1,
            .height = 9,
            .indices = B{0, 1, 2, 3, 0, 1, 2, 3, 1},
            .palette = grey,
            .interlaced = true}),
            1,
            9,
            1,
            Type::u8,
            {0, 85, 170, 255, 0, 85, 170, 255, 85}},
           {"transparent",
            made_gif({.width = 2,
            .height = 1,
            .indices = B{3, 1},
            .palette = grey,
            .transparent = 3}),
            2,
            1,
            1,
            Type::u8,
            {0, 85}},
           {"in a larger screen",
            made_gif({.width = 1,
            .height = 1,
            .indices = B{3},
            .palette = grey,
            .left = 1,
            .top = 1,
            .screen = 3}),
            3,
            3,
            1,
            Type::u8,
            {0, 0, 0, 0, 255, 0, 0, 0, 0}},
       })
    expect_picture(row);
}

// A small picture of each format.
std::vector<std::pair<std::string, Bytes>> picture_samples() {
  std::vector<std::uint16_t> samples(12 * 10);
  std::vector<std::uint8_t> indices(12 * 10);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    samples[i] = static_cast<std::uint16_t>(i * 97 % 256);
    indices[i] = static_cast<std::uint8_t>(i * 7 % 4);
  }
  std::vector<PaletteColour> const palette{
      {0, 0, 0}, {85, 85, 85}, {170, 170, 170}, {255, 255, 255}};
  std::vector<std::vector<std::uint8_t>> const rows(10, std::vector<std::uint8_t>(12, 3));
  return {
      {"PNG", made_png({.width = 12, .height = 10, .bits = 8, .samples = samples})},
      {"interlaced PNG",
       made_png(
           {.width = 12, .height = 10, .bits = 8, .samples = samples, .interlaced = true})},
      {"JPEG", made_jpeg({.space = JCS_YCbCr})},
      {"progressive JPEG", made_jpeg({.space = JCS_GRAYSCALE, .progressive = true})},
      {"TIFF", made_tiff({.width = 12, .height = 10, .bits = 8, .samples = samples})},
      {"TIFF with LZW", made_tiff({.width = 12,
                                   .height = 10,
                                   .bits = 8,
                                   .samples = samples,
                                   .packing = COMPRESSION_LZW})},
      {"TIFF with deflate", made_tiff({.width = 12,
                                       .height = 10,
                                       .bits = 8,
                                       .samples = samples,
                                       .packing = COMPRESSION_ADOBE_DEFLATE})},
      {"BMP",
       made_bmp({.width = 12, .height = 10, .bits = 8, .rows = rows, .palette = palette})},
      {"GIF", made_gif({.width = 12, .height = 10, .indices = indices, .palette = palette})}};
}

TEST(EveryPicture, IsRefusedWhenCutAnywhere) {
  for (auto const& [name, bytes] : picture_samples()) {
    SCOPED_TRACE(name);
    EXPECT_EQ(picture_fault(bytes), "");
    for (std::size_t size = 0; size < bytes.size(); ++size)
      ASSERT_NE(picture_fault(std::span{bytes}.first(size)), "")
          << size << " of " << bytes.size();
  }
}

TEST(EveryPicture, WithAnyByteChangedIsReadOrRefusedButNeverMore) {
  for (auto const& [name, bytes] : picture_samples()) {
    SCOPED_TRACE(name);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      for (auto const mask : {0x01, 0x80, 0xff}) {
        auto bad = bytes;
        bad[i] ^= static_cast<std::byte>(mask);
        picture_fault(bad, {.pixels = 1'000'000});
      }
    }
  }
}

TEST(EveryPicture, IsHeldAgainstTheLimits) {
  for (auto const& [name, bytes] : picture_samples()) {
    SCOPED_TRACE(name);
    EXPECT_NE(picture_fault(bytes, {.pixels = 12 * 10 - 1}).find("pixels"), std::string::npos);
    EXPECT_NE(picture_fault(bytes, {.file = bytes.size() - 1}).find("bytes"),
              std::string::npos);
  }
}

TEST(EveryPicture, IsToldByItsBytesAndNotByItsName) {
  ScratchFolder const folder;
  for (auto const& [name, bytes] : picture_samples()) {
    write_file(folder.path() / "wrong.png", std::span{bytes});
    EXPECT_NO_THROW(read_picture(folder.path() / "wrong.png")) << name;
    EXPECT_EQ(std::ranges::count_if(
                  pictures(), [&, &all = bytes](auto const& row) { return row.begins(all); }),
              1)
        << name;
  }
}

TEST(EveryPicture, SaysWhatItGotInstead) {
  struct Row {
    Bytes bytes;
    char const* said;
  };
  auto dicom = Bytes(132);
  std::memcpy(dicom.data() + 128, "DICM", 4);
  for (auto const& row :
       {Row{{}, "got an empty file"},
        Row{picture_bytes("hello, I am text\n"), "got a text file"},
        Row{picture_bytes("BMW is a car maker"), "got a text file"},
        Row{dicom, "got a DICOM file"}, Row{picture_bytes("%PDF-1.7"), "got a PDF"},
        Row{Bytes(40), "got other bytes"}, Row{picture_bytes("RIFF....WEBPVP8 "), "WebP"}})
    EXPECT_NE(picture_fault(row.bytes).find(row.said), std::string::npos)
        << picture_fault(row.bytes);
  ScratchFolder const folder;
  write_file(folder.path() / "a b.png", std::string_view{"text"});
  try {
    read_picture(folder.path() / "a b.png");
    ADD_FAILURE();
  } catch (Error const& fault) {
    EXPECT_NE(std::string{fault.what()}.find("a b.png"), std::string::npos);
  }
  EXPECT_THROW(read_picture(folder.path() / "none.png"), Error);
}

TEST(EveryPicture, HasItsEndings) {
  for (auto const* const name :
       {"a.png", "a.PNG", "x/b.jpeg", "c.tif", "c.TIFF", "d.bmp", "e.gif", "f.x.jpg"})
    EXPECT_TRUE(named_as_picture(name)) << name;
  for (auto const* const name : {"a", "png", "a.npz", "a.png.txt", "a.", ".png"})
    EXPECT_FALSE(named_as_picture(name)) << name;
}

TEST(RealPictures, OfRetinaAreRead) {
  auto const* const data = std::getenv("FOVEA_DATA");
  auto const root =
      (data != nullptr ? fs::path{data}
                       : fs::path{FOVEA_SOURCE_DIR}.parent_path() / "shared" / "data") /
      "retina-drive";
  if (!fs::exists(root)) GTEST_SKIP() << "no retina-drive here";
  int seen = 0;
  for (auto const& file : fs::recursive_directory_iterator{root}) {
    if (!named_as_picture(file.path())) continue;
    SCOPED_TRACE(file.path());
    auto const picture = read_picture(file.path());
    EXPECT_EQ(picture.width(), 565);
    EXPECT_EQ(picture.height(), 584);
    auto const first = file.path().parent_path().filename();
    // The palette of the second reader's maps is almost, not quite, grey.
    auto const grey = first == "1st_manual" || first == "mask";
    EXPECT_EQ(picture.channels(), grey ? 1 : 3);
    if (grey) {
      auto const values = picture.as<std::uint8_t>();
      EXPECT_EQ(std::ranges::count(values, 0) + std::ranges::count(values, 255),
                picture.voxels());
    }
    ++seen;
  }
  EXPECT_EQ(seen, 20 * 3 + 20 * 4);
}

}  // namespace
}  // namespace fovea
