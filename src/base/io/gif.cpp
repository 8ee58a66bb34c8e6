#include "base/io/codec.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <gif_lib.h>
#include <memory>
#include <vector>

namespace fovea {
namespace {

struct GifMemory {
  std::span<std::byte const> bytes;
  std::size_t at = 0;
};

extern "C" int gif_on_read(GifFileType* file, GifByteType* out, int count) {
  auto& self = *static_cast<GifMemory*>(file->UserData);
  auto const got =
      std::min(self.bytes.size() - self.at, static_cast<std::size_t>(std::max(0, count)));
  if (got > 0) std::memcpy(out, self.bytes.data() + self.at, got);
  self.at += got;
  return static_cast<int>(got);
}

struct GifClose {
  void operator()(GifFileType* file) const { DGifCloseFile(file, nullptr); }
};
using Gif = std::unique_ptr<GifFileType, GifClose>;

[[noreturn]] void gif_refuse(int code) {
  auto const* const words = GifErrorString(code);
  refuse_picture(
      text("expected a whole GIF, got: ", words == nullptr ? "damaged data" : words));
}

void gif_expect(GifFileType& file, int answer) {
  if (answer != GIF_OK) gif_refuse(file.Error);
}

constexpr int gif_no_transparency = -1;

// Reads an extension; a graphics control says which index is transparent in the frame that
// follows.
int gif_extension(GifFileType& file, int transparent) {
  int code = 0;
  GifByteType* block = nullptr;
  gif_expect(file, DGifGetExtension(&file, &code, &block));
  while (block != nullptr) {
    GraphicsControlBlock control{};
    if (code == GRAPHICS_EXT_FUNC_CODE &&
        DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK)
      transparent = control.TransparentColor;
    gif_expect(file, DGifGetExtensionNext(&file, &block));
  }
  return transparent;
}

// Goes to the first frame; what it says of transparency.
int gif_first_frame(GifFileType& file) {
  auto transparent = gif_no_transparency;
  while (true) {
    GifRecordType kind{};
    gif_expect(file, DGifGetRecordType(&file, &kind));
    if (kind == IMAGE_DESC_RECORD_TYPE) return transparent;
    if (kind == TERMINATE_RECORD_TYPE)
      refuse_picture("expected a GIF with a picture, got one without");
    if (kind == EXTENSION_RECORD_TYPE) transparent = gif_extension(file, transparent);
  }
}

std::vector<PaletteColour> gif_palette(GifFileType const& file) {
  auto const* const map = file.Image.ColorMap != nullptr ? file.Image.ColorMap : file.SColorMap;
  if (map == nullptr || map->ColorCount < 1)
    refuse_picture("expected a GIF with a palette, got one without");
  std::vector<PaletteColour> palette;
  for (auto const& c : std::span{map->Colors, static_cast<std::size_t>(map->ColorCount)})
    palette.push_back({c.Red, c.Green, c.Blue});
  return palette;
}

// The rows of an interlaced frame come in four sweeps: every eighth, those between, and so on.
std::vector<std::int64_t> gif_row_order(GifImageDesc const& frame) {
  struct Sweep {
    std::int64_t first, step;
  };
  constexpr std::array<Sweep, 4> sweeps{{{0, 8}, {4, 8}, {2, 4}, {1, 2}}};
  std::vector<std::int64_t> rows;
  if (frame.Interlace) {
    for (auto const sweep : sweeps) {
      for (auto j = sweep.first; j < frame.Height; j += sweep.step) rows.push_back(j);
    }
  } else {
    for (std::int64_t j = 0; j < frame.Height; ++j) rows.push_back(j);
  }
  return rows;
}

struct GifCanvas {
  std::int64_t width, height;
};

// Some writers leave the screen empty or smaller than its first frame: the frame is shown
// whole.
GifCanvas gif_canvas(GifFileType const& file) {
  auto const& frame = file.Image;
  return {std::max<std::int64_t>(file.SWidth, std::int64_t{frame.Left} + frame.Width),
          std::max<std::int64_t>(file.SHeight, std::int64_t{frame.Top} + frame.Height)};
}

// The frame as palette indices, row by row.
std::vector<std::uint8_t> gif_indices(GifFileType& file) {
  auto const& frame = file.Image;
  std::vector<std::uint8_t> indices(static_cast<std::size_t>(frame.Width) *
                                    static_cast<std::size_t>(frame.Height));
  for (auto const row : gif_row_order(frame))
    gif_expect(file, DGifGetLine(&file, indices.data() + row * frame.Width, frame.Width));
  return indices;
}

// The frame at its place in the canvas, black where it does not cover it.
Volume gif_on_canvas(Volume const& frame, GifCanvas canvas, GifImageDesc const& place) {
  if (frame.width() == canvas.width && frame.height() == canvas.height) return frame;
  auto out = image2d(canvas.width, canvas.height, Type::u8, frame.channels());
  for (std::int64_t c = 0; c < frame.channels(); ++c) {
    auto const from = frame.channel<std::uint8_t>(c);
    auto const to = out.write_channel<std::uint8_t>(c);
    for (std::int64_t j = 0; j < frame.height(); ++j)
      std::copy_n(from.begin() + j * frame.width(), frame.width(),
                  to.begin() + (place.Top + j) * canvas.width + place.Left);
  }
  return out;
}

}  // namespace

bool begins_as_gif(std::span<std::byte const> bytes) {
  return begins_with(bytes, "GIF87a") || begins_with(bytes, "GIF89a");
}

Volume decode_gif(std::span<std::byte const> bytes,
                  PictureLimits const& limits,
                  PictureNumbers numbers) {
  GifMemory memory{.bytes = bytes};
  int fault = 0;
  Gif const file{DGifOpen(&memory, gif_on_read, &fault)};
  if (!file) gif_refuse(fault);
  auto const transparent = gif_first_frame(*file);
  gif_expect(*file, DGifGetImageDesc(file.get()));
  auto const canvas = gif_canvas(*file);
  check_picture_size(file->Image.Width, file->Image.Height, limits);
  check_picture_size(canvas.width, canvas.height, limits);
  auto palette = gif_palette(*file);
  if (transparent != gif_no_transparency) {  // over black
    auto const clear = static_cast<std::size_t>(transparent);
    palette.resize(std::max(palette.size(), clear + 1));
    palette[clear] = {};
  }
  auto const indices = gif_indices(*file);
  GifRecordType next{};
  gif_expect(*file,
             DGifGetRecordType(file.get(), &next));  // a file cut behind the frame has none
  return gif_on_canvas(
      painted(file->Image.Width, file->Image.Height, indices, palette, numbers), canvas,
      file->Image);
}

}  // namespace fovea
