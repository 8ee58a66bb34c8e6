#include "base/io/codec.hpp"

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>
#include <tiffio.h>
#include <vector>

namespace fovea {
namespace {

// A file in memory as libtiff asks for it, and the first thing it complained about.
struct TiffMemory {
  std::span<std::byte const> bytes;
  std::uint64_t at = 0;
  std::array<char, 200> fault{};
};

extern "C" tmsize_t tiff_on_read(thandle_t handle, void* out, tmsize_t count) {
  auto& self = *static_cast<TiffMemory*>(handle);
  auto const left = self.at < self.bytes.size() ? self.bytes.size() - self.at : 0;
  auto const got =
      std::min<std::uint64_t>(left, static_cast<std::uint64_t>(std::max<tmsize_t>(0, count)));
  if (got > 0) std::memcpy(out, self.bytes.data() + self.at, got);
  self.at += got;
  return static_cast<tmsize_t>(got);
}

extern "C" tmsize_t tiff_on_write(thandle_t, void*, tmsize_t) {
  return -1;
}

extern "C" toff_t tiff_on_seek(thandle_t handle, toff_t place, int from) {
  auto& self = *static_cast<TiffMemory*>(handle);
  if (from == SEEK_CUR) place += self.at;
  if (from == SEEK_END) place += self.bytes.size();
  return self.at = place;
}

extern "C" int tiff_on_close(thandle_t) {
  return 0;
}

extern "C" toff_t tiff_on_size(thandle_t handle) {
  return static_cast<TiffMemory*>(handle)->bytes.size();
}

// libtiff reads straight from these bytes, so a strip cannot be longer than the file.
extern "C" int tiff_on_map(thandle_t handle, void** base, toff_t* size) {
  auto const& self = *static_cast<TiffMemory*>(handle);
  *base = const_cast<std::byte*>(self.bytes.data());
  *size = self.bytes.size();
  return 1;
}

extern "C" void tiff_on_unmap(thandle_t, void*, toff_t) {}

extern "C" int tiff_on_error(
    TIFF*, void* user, char const*, char const* format, std::va_list parts) {
  auto& self = *static_cast<TiffMemory*>(user);
  if (self.fault[0] == '\0')
    std::vsnprintf(self.fault.data(), self.fault.size(), format, parts);
  return 1;  // and nothing is printed
}

extern "C" int tiff_on_warning(TIFF*, void*, char const*, char const*, std::va_list) {
  return 1;
}

struct TiffClose {
  void operator()(TIFF* file) const { TIFFClose(file); }
};
struct TiffOptionsFree {
  void operator()(TIFFOpenOptions* options) const { TIFFOpenOptionsFree(options); }
};

[[noreturn]] void tiff_refuse(TiffMemory const& memory) {
  refuse_picture(text("expected a whole TIFF, got: ",
                      memory.fault[0] == '\0' ? "damaged data" : memory.fault.data()));
}

class Tiff {
 public:
  Tiff(std::span<std::byte const> bytes, PictureLimits const& limits)
      : memory_{.bytes = bytes, .at = 0, .fault = {}} {
    std::unique_ptr<TIFFOpenOptions, TiffOptionsFree> const options{TIFFOpenOptionsAlloc()};
    auto const most = static_cast<tmsize_t>(limits.pixels) * 8 +
                      static_cast<tmsize_t>(bytes.size()) + (1 << 20);
    TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), most);
    TIFFOpenOptionsSetErrorHandlerExtR(options.get(), tiff_on_error, &memory_);
    TIFFOpenOptionsSetWarningHandlerExtR(options.get(), tiff_on_warning, nullptr);
    file_.reset(TIFFClientOpenExt("the picture", "r", &memory_, tiff_on_read, tiff_on_write,
                                  tiff_on_seek, tiff_on_close, tiff_on_size, tiff_on_map,
                                  tiff_on_unmap, options.get()));
    if (!file_) tiff_refuse(memory_);
  }

  TIFF* get() const { return file_.get(); }
  TiffMemory const& memory() const { return memory_; }

  // A tag's value, or what the standard says of files that leave it out.
  template <class T>
  T tag(std::uint32_t which) const {
    T value{};
    TIFFGetFieldDefaulted(file_.get(), which, &value);
    return value;
  }

 private:
  TiffMemory memory_;
  std::unique_ptr<TIFF, TiffClose> file_;
};

struct TiffShape {
  std::int64_t width = 0, height = 0;
  int bits = 1, samples = 1, kind = 0;
  int alpha = 0;       // place of the sample to show the others through; 0: none
  bool apart = false;  // each sample in a plane of its own

  int shown() const { return kind == PHOTOMETRIC_RGB ? 3 : 1; }
};

// A tile or strip: its place and size in the picture; `first` is its first sample where they
// lie apart.
struct TiffBlock {
  std::int64_t left = 0, top = 0, width = 0, height = 0;
  int first = 0;
};

void tiff_check_packing(Tiff const& file) {
  constexpr std::uint16_t known[] = {
      COMPRESSION_NONE,      COMPRESSION_LZW,       COMPRESSION_ADOBE_DEFLATE,
      COMPRESSION_DEFLATE,   COMPRESSION_PACKBITS,  COMPRESSION_CCITTRLE,
      COMPRESSION_CCITTFAX3, COMPRESSION_CCITTFAX4, COMPRESSION_JPEG};
  auto const packing = file.tag<std::uint16_t>(TIFFTAG_COMPRESSION);
  if (std::ranges::count(known, packing) == 0)
    refuse_picture(text("expected a TIFF packed by LZW, deflate, PackBits, JPEG or not at all, "
                        "got packing ",
                        packing),
                   "save it with LZW or deflate");
}

int tiff_alpha(Tiff const& file, TiffShape const& shape) {
  std::uint16_t count = 0;
  std::uint16_t* kinds = nullptr;
  TIFFGetFieldDefaulted(file.get(), TIFFTAG_EXTRASAMPLES, &count, &kinds);
  // Associated alpha is in the colours already, as over black; an unknown extra sample is
  // nobody's alpha.
  auto const there = count > 0 && kinds != nullptr && kinds[0] == EXTRASAMPLE_UNASSALPHA;
  return there && shape.samples > shape.shown() ? shape.shown() : 0;
}

TiffShape tiff_shape(Tiff const& file, PictureLimits const& limits) {
  TiffShape shape;
  shape.width = file.tag<std::uint32_t>(TIFFTAG_IMAGEWIDTH);
  shape.height = file.tag<std::uint32_t>(TIFFTAG_IMAGELENGTH);
  check_picture_size(shape.width, shape.height, limits);
  tiff_check_packing(file);
  shape.bits = file.tag<std::uint16_t>(TIFFTAG_BITSPERSAMPLE);
  shape.samples = file.tag<std::uint16_t>(TIFFTAG_SAMPLESPERPIXEL);
  shape.apart = file.tag<std::uint16_t>(TIFFTAG_PLANARCONFIG) == PLANARCONFIG_SEPARATE &&
                shape.samples > 1;
  std::uint16_t kind = 0;
  if (TIFFGetField(file.get(), TIFFTAG_PHOTOMETRIC, &kind) == 0)
    kind = shape.samples >= 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK;
  if (kind == PHOTOMETRIC_YCBCR &&
      file.tag<std::uint16_t>(TIFFTAG_COMPRESSION) == COMPRESSION_JPEG) {
    TIFFSetField(file.get(), TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    kind = PHOTOMETRIC_RGB;
  }
  shape.kind = kind;
  shape.alpha = tiff_alpha(file, shape);
  return shape;
}

void tiff_check(Tiff const& file, TiffShape const& shape) {
  auto const format = file.tag<std::uint16_t>(TIFFTAG_SAMPLEFORMAT);
  if (format != SAMPLEFORMAT_UINT && format != SAMPLEFORMAT_VOID)
    refuse_picture("expected a TIFF of unsigned whole numbers, got signed ones or fractions",
                   "scale it to 16 bits without sign");
  constexpr int kinds[] = {PHOTOMETRIC_MINISWHITE, PHOTOMETRIC_MINISBLACK, PHOTOMETRIC_RGB,
                           PHOTOMETRIC_PALETTE};
  if (std::ranges::count(kinds, shape.kind) == 0)
    refuse_picture(
        text("expected a TIFF in grey, RGB or palette colours, got colour space ", shape.kind),
        "save it as RGB");
  auto const palette = shape.kind == PHOTOMETRIC_PALETTE;
  constexpr int depths[] = {1, 2, 4, 8, 16};
  if (std::ranges::count(depths, shape.bits) == 0 || (palette && shape.bits > 8))
    refuse_picture(text("expected a TIFF of 1, 2, 4, 8 or 16 bits, got ", shape.bits,
                        palette ? " with a palette" : ""),
                   "save it with 8 or 16");
  if (shape.samples < shape.shown() || shape.samples > 64 || (palette && shape.samples != 1))
    refuse_picture(
        text("expected ", shape.shown(), " samples for each pixel, got ", shape.samples));
}

// Samples of the whole picture, widened to T but not scaled, interleaved:
// [row][column][sample].
template <class T>
std::vector<T> tiff_room(TiffShape const& shape) {
  return std::vector<T>(static_cast<std::size_t>(shape.width * shape.height * shape.samples));
}

// Unpacks a decoded block into its place.
template <class T>
void tiff_place(TiffShape const& shape,
                TiffBlock const& block,
                std::span<std::uint8_t const> from,
                std::size_t pitch,
                std::vector<T>& out) {
  auto const each = shape.apart ? 1 : shape.samples;
  auto const width = std::min(block.width, shape.width - block.left);
  auto const height = std::min(block.height, shape.height - block.top);
  auto const mask = (1U << shape.bits) - 1;
  for (std::int64_t j = 0; j < height; ++j) {
    auto const* const row = from.data() + static_cast<std::size_t>(j) * pitch;
    auto* to =
        out.data() + ((block.top + j) * shape.width + block.left) * shape.samples + block.first;
    for (std::int64_t i = 0; i < width * each; ++i, to += shape.apart ? shape.samples : 1) {
      if (shape.bits == 16) {
        std::uint16_t value = 0;
        std::memcpy(&value, row + 2 * i, 2);
        *to = static_cast<T>(value);
      } else {
        auto const bit = i * shape.bits;
        *to = static_cast<T>(row[bit / 8] >> (8 - shape.bits - bit % 8) & mask);
      }
    }
  }
}

// Calls read(index, block) for every tile or strip, plane by plane.
template <class Read>
void tiff_each_block(TiffShape const& shape,
                     std::int64_t wide,
                     std::int64_t high,
                     Read&& read) {
  std::uint32_t index = 0;
  for (int plane = 0; plane < (shape.apart ? shape.samples : 1); ++plane) {
    for (std::int64_t top = 0; top < shape.height; top += high) {
      for (std::int64_t left = 0; left < shape.width; left += wide)
        read(
            index++,
            TiffBlock{.left = left, .top = top, .width = wide, .height = high, .first = plane});
    }
  }
}

// Rooms of tiles are asked for by the header too.
std::vector<std::uint8_t> tiff_buffer(tmsize_t size, PictureLimits const& limits) {
  if (size < 1 || size > static_cast<tmsize_t>(limits.pixels) * 8 + (1 << 20))
    refuse_picture("the TIFF's strips or tiles have senseless sizes");
  return std::vector<std::uint8_t>(static_cast<std::size_t>(size));
}

template <class T>
std::vector<T> tiff_tiles(Tiff const& file,
                          TiffShape const& shape,
                          PictureLimits const& limits) {
  auto const wide = file.tag<std::uint32_t>(TIFFTAG_TILEWIDTH);
  auto const high = file.tag<std::uint32_t>(TIFFTAG_TILELENGTH);
  auto buffer = tiff_buffer(TIFFTileSize(file.get()), limits);
  if (wide == 0 || high == 0) refuse_picture("the TIFF's tiles have no size");
  auto const pitch = static_cast<std::size_t>(TIFFTileRowSize(file.get()));
  auto out = tiff_room<T>(shape);
  tiff_each_block(shape, wide, high, [&](std::uint32_t index, TiffBlock const& block) {
    auto const size = static_cast<tmsize_t>(buffer.size());
    if (TIFFReadEncodedTile(file.get(), index, buffer.data(), size) != size)
      tiff_refuse(file.memory());
    tiff_place(shape, block, buffer, pitch, out);
  });
  return out;
}

template <class T>
std::vector<T> tiff_strips(Tiff const& file,
                           TiffShape const& shape,
                           PictureLimits const& limits) {
  auto const rows =
      std::clamp<std::int64_t>(file.tag<std::uint32_t>(TIFFTAG_ROWSPERSTRIP), 1, shape.height);
  auto buffer =
      tiff_buffer(TIFFVStripSize(file.get(), static_cast<std::uint32_t>(rows)), limits);
  auto const pitch = static_cast<std::size_t>(TIFFVStripSize(file.get(), 1));
  auto out = tiff_room<T>(shape);
  tiff_each_block(shape, shape.width, rows, [&](std::uint32_t index, TiffBlock const& block) {
    auto const high = std::min(rows, shape.height - block.top);
    auto const size = TIFFVStripSize(file.get(), static_cast<std::uint32_t>(high));
    if (TIFFReadEncodedStrip(file.get(), index, buffer.data(), size) != size)
      tiff_refuse(file.memory());
    tiff_place(shape, block, buffer, pitch, out);
  });
  return out;
}

template <class T>
std::vector<T> tiff_samples(Tiff const& file,
                            TiffShape const& shape,
                            PictureLimits const& limits) {
  return TIFFIsTiled(file.get()) != 0 ? tiff_tiles<T>(file, shape, limits)
                                      : tiff_strips<T>(file, shape, limits);
}

// 1, 2 and 4 bits fill 0..255 if they are to be shown; white-is-zero is turned round.
template <class T>
void tiff_scale(TiffShape const& shape, std::vector<T>& samples, PictureNumbers numbers) {
  auto const most = (1U << shape.bits) - 1;
  auto const shown = numbers == PictureNumbers::shown;
  auto const scale = shown && shape.bits < 8 ? 255U / most : 1U;
  auto const white = shape.kind == PHOTOMETRIC_MINISWHITE;
  if (scale == 1 && !white) return;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    auto const value = static_cast<T>(samples[i] * scale);
    auto const grey = i % static_cast<std::size_t>(shape.samples) == 0;
    samples[i] = white && grey ? static_cast<T>(most * scale - value) : value;
  }
}

template <class T>
Volume tiff_picture(Tiff const& file,
                    TiffShape const& shape,
                    PictureLimits const& limits,
                    PictureNumbers numbers) {
  auto samples = tiff_samples<T>(file, shape, limits);
  tiff_scale(shape, samples, numbers);
  auto picture = image2d(shape.width, shape.height, TypeOf<T>::value, shape.shown());
  for (std::int64_t j = 0; j < shape.height; ++j)
    put_row(picture, j, samples.data() + j * shape.width * shape.samples, shape.samples,
            shape.alpha);
  return picture;
}

std::vector<PaletteColour> tiff_palette(Tiff const& file, TiffShape const& shape) {
  std::array<std::uint16_t*, 3> parts{};
  if (TIFFGetField(file.get(), TIFFTAG_COLORMAP, &parts[0], &parts[1], &parts[2]) == 0)
    refuse_picture("expected a TIFF with a palette, got one without");
  auto const count = std::size_t{1} << shape.bits;
  // The standard says 16 bits; old writers put 8-bit values there.
  auto const wide = std::ranges::any_of(parts, [&](auto const* part) {
    return std::any_of(part, part + count, [](auto v) { return v > 255; });
  });
  auto const shift = wide ? 8 : 0;
  std::vector<PaletteColour> palette;
  for (std::size_t i = 0; i < count; ++i) {
    palette.push_back({static_cast<std::uint8_t>(parts[0][i] >> shift),
                       static_cast<std::uint8_t>(parts[1][i] >> shift),
                       static_cast<std::uint8_t>(parts[2][i] >> shift)});
  }
  return palette;
}

}  // namespace

bool begins_as_tiff(std::span<std::byte const> bytes) {
  using namespace std::string_view_literals;
  return begins_with(bytes, "II*\0"sv) || begins_with(bytes, "MM\0*"sv) ||
         begins_with(bytes, "II+\0"sv) || begins_with(bytes, "MM\0+"sv);
}

Volume decode_tiff(std::span<std::byte const> bytes,
                   PictureLimits const& limits,
                   PictureNumbers numbers) {
  Tiff const file{bytes, limits};
  auto const shape = tiff_shape(file, limits);
  tiff_check(file, shape);
  auto const orientation = file.tag<std::uint16_t>(TIFFTAG_ORIENTATION);
  if (shape.kind == PHOTOMETRIC_PALETTE)
    return oriented(
        painted(shape.width, shape.height, tiff_samples<std::uint8_t>(file, shape, limits),
                tiff_palette(file, shape), numbers),
        orientation);
  return oriented(shape.bits == 16 ? tiff_picture<std::uint16_t>(file, shape, limits, numbers)
                                   : tiff_picture<std::uint8_t>(file, shape, limits, numbers),
                  orientation);
}

}  // namespace fovea
