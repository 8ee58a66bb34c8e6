#pragma once

#include "base/io/picture.hpp"

#include <cstdint>
#include <limits>
#include <span>
#include <string>

// What the decoders of pictures share. Inside base/io only: others call read_picture.
namespace fovea {

/// Throws Error{input}; read_picture puts the file's name before it.
[[noreturn]] void refuse_picture(
    std::string const& found,
    std::string const& remedy = "the file may be cut short or damaged; copy it again");

/// Throws Error{input} if a header asks for less than one pixel or for more than the limits
/// allow.
void check_picture_size(std::int64_t width, std::int64_t height, PictureLimits const& limits);

struct PaletteColour {
  std::uint8_t red = 0, green = 0, blue = 0;
};

/// A picture of palette indices, row by row: 1 channel if the palette is all grey, else 3; the
/// indices themselves if the numbers are to be as stored.
/// Throws Error{input} on an index beyond the palette.
Volume painted(std::int64_t width,
               std::int64_t height,
               std::span<std::uint8_t const> indices,
               std::span<PaletteColour const> palette,
               PictureNumbers numbers = PictureNumbers::shown);

/// A sample seen through its alpha in front of black, rounded.
template <class T>
T over_black(T sample, T alpha) {
  constexpr std::uint32_t most = std::numeric_limits<T>::max();
  return static_cast<T>((std::uint32_t{sample} * alpha + most / 2) / most);
}

/// Writes a row of interleaved samples into the picture's channels, one plane each. `stride`
/// samples make a pixel; those behind the channels are left out; `alpha` is the place of the
/// one to show the others through, 0 if there is none.
template <class T>
void put_row(Volume& picture,
             std::int64_t row,
             T const* samples,
             std::int64_t stride,
             std::int64_t alpha) {
  auto const width = picture.width();
  for (std::int64_t c = 0; c < picture.channels(); ++c) {
    auto* const out = picture.write_channel<T>(c).data() + row * width;
    auto const* in = samples + c;
    for (std::int64_t i = 0; i < width; ++i, in += stride)
      out[i] = alpha == 0 ? *in : over_black(*in, in[alpha - c]);
  }
}

/// The EXIF orientation (1 to 8) in the bytes of a TIFF structure; 1 if there is none or it
/// makes no sense, for a picture is not refused because of its notes.
int exif_orientation(std::span<std::byte const> tiff);

/// The picture turned and mirrored so that it stands as EXIF's orientation says.
Volume oriented(Volume const& picture, int orientation);

// One file for each format: whether the bytes begin as it does, and the decoder.
bool begins_as_png(std::span<std::byte const> bytes);
bool begins_as_jpeg(std::span<std::byte const> bytes);
bool begins_as_tiff(std::span<std::byte const> bytes);
bool begins_as_bmp(std::span<std::byte const> bytes);
bool begins_as_gif(std::span<std::byte const> bytes);
Volume decode_png(std::span<std::byte const> bytes,
                  PictureLimits const& limits,
                  PictureNumbers numbers);
Volume decode_jpeg(std::span<std::byte const> bytes,
                   PictureLimits const& limits,
                   PictureNumbers numbers);
Volume decode_tiff(std::span<std::byte const> bytes,
                   PictureLimits const& limits,
                   PictureNumbers numbers);
Volume decode_bmp(std::span<std::byte const> bytes,
                  PictureLimits const& limits,
                  PictureNumbers numbers);
Volume decode_gif(std::span<std::byte const> bytes,
                  PictureLimits const& limits,
                  PictureNumbers numbers);

/// True if the bytes begin with these.
bool begins_with(std::span<std::byte const> bytes, std::string_view start);

}  // namespace fovea
