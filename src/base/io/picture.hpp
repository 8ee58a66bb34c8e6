#pragma once

#include "base/core/file.hpp"
#include "base/image/volume.hpp"

#include <array>
#include <optional>
#include <span>
#include <string_view>

namespace fovea {

/// What a reader will take. Pictures beyond it are refused by their header, before any memory
/// is asked for.
struct PictureLimits {
  std::int64_t pixels = 64'000'000;   ///< width x height
  std::uint64_t file = 512ULL << 20;  ///< bytes
};

/// What the numbers of a picture are.
enum class PictureNumbers {
  shown,  ///< what one sees: palettes give their colours, 1, 2 and 4 bits fill 0..255
  stored  ///< what is written: palettes give their indices, in 1 channel, and 1, 2 and 4 bits
          ///< stay 0..1, 0..3 and 0..15. Masks are meant so: their palette is there to be
          ///< looked at
};

/// A 2D picture as a Volume of one slice: u8 or u16 as stored (1, 2 and 4 bits are widened to
/// 0..255), grey as 1 channel, colour (also palettes that hold colour) as 3, alpha dropped over
/// black, EXIF orientation applied. The format is told by the first bytes, not by the name.
/// Of a file with several pages the first is read.
///
/// Formats  PNG, JPEG, TIFF, BMP, GIF (first frame)
/// Throws   Error{input} if it is none of these, is damaged or cut short, or beyond the limits
Volume read_picture(fs::path const& file,
                    PictureLimits const& limits = {},
                    PictureNumbers numbers = PictureNumbers::shown);
Volume decode_picture(std::span<std::byte const> bytes,
                      std::string_view name,
                      PictureLimits const& limits = {},
                      PictureNumbers numbers = PictureNumbers::shown);

/// True if the name ends as a picture's does (.png .jpg .jpeg .tif .tiff .bmp .gif, any case).
bool named_as_picture(fs::path const& file);

/// One row for each format that can be read. Add yours in picture.cpp.
struct PictureRow {
  std::string_view name;
  std::string_view endings;  ///< ".tif .tiff"
  bool (*begins)(std::span<std::byte const> bytes);
  Volume (*decode)(std::span<std::byte const> bytes,
                   PictureLimits const& limits,
                   PictureNumbers numbers);
};
std::span<PictureRow const> pictures();

/// PNG of a 2D picture, u8 or u16, 1 (grey), 3 (colour) or 4 (colour and alpha) channels; the
/// same picture gives the same bytes. `spacing` in mm is written as whole pixels per metre,
/// where that is at least one. Throws Error{bug} on anything else.
Bytes encode_png(Volume const& picture, std::optional<std::array<double, 2>> spacing = {});
void write_png(fs::path const& file,
               Volume const& picture,
               std::optional<std::array<double, 2>> spacing = {});

}  // namespace fovea
