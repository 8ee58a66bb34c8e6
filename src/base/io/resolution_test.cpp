#include "base/io/resolution.hpp"

#include "base/io/formats.hpp"
#include "base/io/made/pictures.hpp"
#include "base/io/made/volumes.hpp"

#include <cmath>

namespace fovea {
namespace {

std::string resolution_number(std::uint32_t value, int bytes, bool big) {
  std::string out;
  for (int i = 0; i < bytes; ++i)
    out += static_cast<char>(value >> 8 * (big ? bytes - 1 - i : i) & 0xff);
  return out;
}

// A TIFF structure: two rationals behind the table, a unit, an orientation.
std::string resolution_tiff(bool big,
                            std::uint32_t x,
                            std::uint32_t y,
                            std::uint32_t unit,
                            std::uint32_t orientation = 1) {
  auto const n = [&](std::uint32_t value, int bytes) {
    return resolution_number(value, bytes, big);
  };
  constexpr std::uint32_t rationals = 8 + 2 + 4 * 12 + 4;
  auto const entry = [&](std::uint32_t tag, std::uint32_t kind, std::string const& value) {
    return n(tag, 2) + n(kind, 2) + n(1, 4) + value;
  };
  return (big ? "MM" : "II") + n(42, 2) + n(8, 4) + n(4, 2) +
         entry(274, 3, n(orientation, 2) + n(0, 2)) + entry(282, 5, n(rationals, 4)) +
         entry(283, 5, n(rationals + 8, 4)) + entry(296, 3, n(unit, 2) + n(0, 2)) + n(0, 4) +
         n(x, 4) + n(2, 4) + n(y, 4) + n(2, 4);
}

std::string resolution_chunk(std::string const& name, std::string const& data) {
  auto const summed = name + data;
  auto const sum = ::crc32_z(0, reinterpret_cast<Bytef const*>(summed.data()), summed.size());
  return resolution_number(static_cast<std::uint32_t>(data.size()), 4, true) + summed +
         resolution_number(static_cast<std::uint32_t>(sum), 4, true);
}

std::string resolution_png(std::string const& chunks) {
  return std::string{"\x89PNG\r\n\x1a\n"} + resolution_chunk("IHDR", std::string(13, 'x')) +
         chunks + resolution_chunk("IDAT", "");
}

std::string resolution_phys(std::uint32_t x, std::uint32_t y, char unit) {
  return resolution_chunk("pHYs",
                          resolution_number(x, 4, true) + resolution_number(y, 4, true) + unit);
}

std::string resolution_segment(char kind, std::string const& data) {
  return std::string{'\xff', kind} +
         resolution_number(static_cast<std::uint32_t>(data.size() + 2), 2, true) + data;
}

std::string resolution_jfif(char unit, std::uint32_t x, std::uint32_t y) {
  return resolution_segment('\xe0', std::string{"JFIF\0\1\2", 7} + unit +
                                        resolution_number(x, 2, true) +
                                        resolution_number(y, 2, true) + std::string(2, '\0'));
}

std::string resolution_exif(std::string const& tiff) {
  return resolution_segment('\xe1', std::string{"Exif\0\0", 6} + tiff);
}

std::string resolution_jpeg(std::string const& segments) {
  return "\xff\xd8" + segments + "\xff\xda";
}

std::string resolution_seen(std::string const& bytes) {
  auto const spacing = picture_spacing(std::as_bytes(std::span{bytes}));
  return spacing ? text(fixed((*spacing)[0], 4), " ", fixed((*spacing)[1], 4)) : "none";
}

TEST(Resolution, IsTakenWhereAPictureSaysItInUnitsOfLength) {
  struct Row {
    char const* name;
    std::string bytes;
    char const* spacing;
  };
  auto damaged = resolution_phys(4000, 5000, 1);
  damaged.back() ^= 1;
  std::vector<Row> const rows{
      {"png", resolution_png(resolution_phys(4000, 5000, 1)), "0.2500 0.2000"},
      {"png aspect", resolution_png(resolution_phys(4000, 5000, 0)), "none"},
      {"png nothing", resolution_png(""), "none"},
      {"png zero", resolution_png(resolution_phys(0, 5000, 1)), "none"},
      {"png checksum", resolution_png(damaged), "none"},
      {"png turned",
       resolution_png(resolution_phys(4000, 5000, 1) +
                      resolution_chunk("eXIf", resolution_tiff(true, 1, 1, 1, 6))),
       "0.2000 0.2500"},
      {"jfif inch", resolution_jpeg(resolution_jfif(1, 254, 127)), "0.1000 0.2000"},
      {"jfif cm", resolution_jpeg(resolution_jfif(2, 50, 100)), "0.2000 0.1000"},
      {"jfif aspect", resolution_jpeg(resolution_jfif(0, 1, 1)), "none"},
      {"exif", resolution_jpeg(resolution_exif(resolution_tiff(true, 508, 254, 2))),
       "0.1000 0.2000"},
      {"exif behind an aspect",
       resolution_jpeg(resolution_jfif(0, 1, 1) +
                       resolution_exif(resolution_tiff(false, 100, 50, 3))),
       "0.2000 0.4000"},
      {"exif turned",
       resolution_jpeg(resolution_jfif(1, 254, 127) +
                       resolution_exif(resolution_tiff(false, 1, 1, 1, 8))),
       "0.2000 0.1000"},
      {"tiff inch", resolution_tiff(false, 508, 254, 2), "0.1000 0.2000"},
      {"tiff cm", resolution_tiff(true, 100, 50, 3), "0.2000 0.4000"},
      {"tiff no unit", resolution_tiff(true, 100, 50, 1), "none"},
      {"tiff turned", resolution_tiff(true, 100, 50, 3, 5), "0.4000 0.2000"},
      {"tiff zero", resolution_tiff(true, 0, 50, 3), "none"},
      {"words", "words", "none"},
  };
  for (auto const& row : rows) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(resolution_seen(row.bytes), row.spacing);
    for (std::size_t size = 0; size < row.bytes.size(); ++size)
      resolution_seen(row.bytes.substr(0, size));  // cut anywhere: no fault
  }
}

TEST(Resolution, GoesThroughAPngAsFarAsWholePixelsPerMetreSayIt) {
  ScratchFolder const folder;
  auto const file = folder.path() / "x.png";
  auto const written = [&](Spacing const& spacing, ImageSpace space) {
    auto image = made_image(Type::u8, upright({4, 3, 1}, spacing));
    image.space = space;
    write_volume(file, image);
    return read_volume(file);
  };
  auto const said = written({{0.25, 0.3, 1}}, ImageSpace::none);
  EXPECT_EQ(said.volume.grid().spacing().mm[0], 0.25);
  EXPECT_NEAR(said.volume.grid().spacing().mm[1], 0.3, 0.0001);
  EXPECT_EQ(codes_of(said), (std::vector<std::string>{"no-position", "resolution"}));
  EXPECT_FALSE(said.placed());
  EXPECT_EQ(written({{1, 1, 1}}, ImageSpace::scanner).volume.grid().spacing().mm[0], 1);
  EXPECT_EQ(codes_of(written({{1, 1, 1}}, ImageSpace::none)),
            std::vector<std::string>{"no-position"})
      << "what was not said is not made up";
  EXPECT_EQ(codes_of(written({{4000, 1, 1}}, ImageSpace::none)),
            std::vector<std::string>{"no-position"});
  // What learning reads has no size in mm.
  written({{0.25, 0.3, 1}}, ImageSpace::none);
  EXPECT_EQ(read_picture(file).grid().spacing().mm[0], 1);
}

}  // namespace
}  // namespace fovea
