#include "base/io/picture.hpp"

#include "base/core/words.hpp"
#include "base/io/codec.hpp"

#include <algorithm>
#include <cstring>

namespace fovea {
namespace {

constexpr PictureRow picture_rows[] = {
    {"PNG", ".png", begins_as_png, decode_png},
    {"JPEG", ".jpg .jpeg", begins_as_jpeg, decode_jpeg},
    {"TIFF", ".tif .tiff", begins_as_tiff, decode_tiff},
    {"BMP", ".bmp", begins_as_bmp, decode_bmp},
    {"GIF", ".gif", begins_as_gif, decode_gif},
};

// What people put where a picture should be, so that the message can name it.
std::string picture_seen(std::span<std::byte const> bytes) {
  if (bytes.empty()) return "an empty file";
  if (bytes.size() >= 132 && begins_with(bytes.subspan(128), "DICM")) return "a DICOM file";
  if (begins_with(bytes, "RIFF")) return "a WebP or another RIFF file";
  if (bytes.size() > 8 && begins_with(bytes.subspan(4), "ftyp"))
    return "a HEIC, AVIF or video file";
  if (begins_with(bytes, "%PDF")) return "a PDF";
  if (begins_with(bytes, "\x1f\x8b")) return "a gzip file";
  if (begins_with(bytes, "PK\x03\x04")) return "a zip file";
  auto const printable = [](std::byte b) {
    auto const c = std::to_integer<int>(b);
    return (c >= 32 && c != 127) || c == '\n' || c == '\r' || c == '\t';
  };
  return std::ranges::all_of(bytes.first(std::min<std::size_t>(bytes.size(), 512)), printable)
             ? "a text file"
             : "other bytes";
}

Volume picture_decoded(std::span<std::byte const> bytes,
                       PictureLimits const& limits,
                       PictureNumbers numbers) {
  if (bytes.size() > limits.file)
    refuse_picture(text("expected at most ", limits.file, " bytes, got ", bytes.size()),
                   "use a smaller picture");
  for (auto const& row : picture_rows) {
    if (row.begins(bytes)) return row.decode(bytes, limits, numbers);
  }
  refuse_picture(
      text("expected a PNG, JPEG, TIFF, BMP or GIF picture, got ", picture_seen(bytes)),
      "convert it to PNG or leave it out");
}

}  // namespace

void refuse_picture(std::string const& found, std::string const& remedy) {
  throw Error{Fault::input, found, remedy};
}

void check_picture_size(std::int64_t width, std::int64_t height, PictureLimits const& limits) {
  if (width < 1 || height < 1)
    refuse_picture(text("expected at least one pixel, got ", width, " x ", height));
  if (width > limits.pixels / height)
    refuse_picture(
        text("expected at most ", limits.pixels, " pixels, got ", width, " x ", height),
        "make the picture smaller");
}

Volume painted(std::int64_t width,
               std::int64_t height,
               std::span<std::uint8_t const> indices,
               std::span<PaletteColour const> palette,
               PictureNumbers numbers) {
  auto const beyond =
      std::ranges::find_if(indices, [&](auto index) { return index >= palette.size(); });
  if (beyond != indices.end())
    refuse_picture(
        text("a pixel has the colour ", int{*beyond}, " of a palette of ", palette.size()));
  if (numbers == PictureNumbers::stored) {
    auto plain = image2d(width, height, Type::u8);
    std::ranges::copy(indices, plain.write<std::uint8_t>().begin());
    return plain;
  }
  auto const grey = std::ranges::all_of(
      palette, [](PaletteColour c) { return c.red == c.green && c.green == c.blue; });
  auto picture = image2d(width, height, Type::u8, grey ? 1 : 3);
  constexpr std::uint8_t PaletteColour::*parts[] = {&PaletteColour::red, &PaletteColour::green,
                                                    &PaletteColour::blue};
  for (std::int64_t c = 0; c < picture.channels(); ++c) {
    std::ranges::transform(indices, picture.write_channel<std::uint8_t>(c).begin(),
                           [&, part = parts[c]](auto index) { return palette[index].*part; });
  }
  return picture;
}

bool begins_with(std::span<std::byte const> bytes, std::string_view start) {
  return bytes.size() >= start.size() &&
         std::memcmp(bytes.data(), start.data(), start.size()) == 0;
}

std::span<PictureRow const> pictures() {
  return picture_rows;
}

bool named_as_picture(fs::path const& file) {
  auto const ending = lower(file.extension().string());
  return !ending.empty() && std::ranges::any_of(picture_rows, [&](auto const& row) {
    auto const known = split(row.endings, ' ');
    return std::ranges::find(known, ending) != known.end();
  });
}

Volume decode_picture(std::span<std::byte const> bytes,
                      std::string_view name,
                      PictureLimits const& limits,
                      PictureNumbers numbers) {
  try {
    return picture_decoded(bytes, limits, numbers);
  } catch (Error const& fault) {
    throw Error{fault.fault(), text(name, ": ", fault.what()), ""};
  }
}

Volume read_picture(fs::path const& file, PictureLimits const& limits, PictureNumbers numbers) {
  return decode_picture(read_file(file, limits.file), text(file), limits, numbers);
}

}  // namespace fovea
