#pragma once

#include "base/core/file.hpp"
#include "base/io/codec.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <gif_lib.h>
#include <jpeglib.h>
#include <optional>
#include <png.h>
#include <string>
#include <tiffio.h>
#include <vector>
#include <zlib.h>

// Pictures made by the formats' own writers, for tests: what a decoder must give back is what
// went in here.
namespace fovea {

inline void made_big_endian(Bytes& bytes, std::size_t at, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i)
    bytes.at(at + i) = static_cast<std::byte>(value >> (24 - 8 * i) & 0xff);
}

/// Makes the checksum of a PNG's header right again after it was changed.
inline void made_png_checksum(Bytes& bytes) {
  auto const* const begin = reinterpret_cast<Bytef const*>(bytes.data()) + 12;
  made_big_endian(bytes, 29, static_cast<std::uint32_t>(::crc32_z(0, begin, 17)));
}

/// A TIFF structure that holds an orientation and nothing else, as in EXIF.
inline Bytes made_exif(int orientation, bool big) {
  std::vector<int> const out =
      big ? std::vector<int>{'M', 'M', 0, 42, 0, 0, 0,           8, 0, 1, 1, 0x12, 0,
                             3,   0,   0, 0,  1, 0, orientation, 0, 0, 0, 0, 0,    0}
          : std::vector<int>{'I', 'I', 42, 0, 8, 0,           0, 0, 1, 0, 0x12, 1, 3,
                             0,   1,   0,  0, 0, orientation, 0, 0, 0, 0, 0,    0, 0};
  Bytes bytes;
  for (auto const value : out) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

/// Samples side by side with so many bits each, the first in the highest bits, as all formats
/// but BMP's wide ones have them; 16 bits in the order asked for.
inline std::vector<std::uint8_t> made_packed(std::span<std::uint16_t const> samples,
                                             int bits,
                                             bool big) {
  std::vector<std::uint8_t> out((samples.size() * static_cast<std::size_t>(bits) + 7) / 8);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (bits == 16) {
      out[2 * i + (big ? 1 : 0)] = static_cast<std::uint8_t>(samples[i] & 0xff);
      out[2 * i + (big ? 0 : 1)] = static_cast<std::uint8_t>(samples[i] >> 8);
    } else {
      auto const bit = i * static_cast<std::size_t>(bits);
      out[bit / 8] = static_cast<std::uint8_t>(
          out[bit / 8] | samples[i] << (8 - bits - static_cast<int>(bit % 8)));
    }
  }
  return out;
}

struct PngMade {
  int width = 1, height = 1, bits = 8, kind = PNG_COLOR_TYPE_GRAY;
  std::vector<std::uint16_t> samples;
  std::vector<PaletteColour> palette = {};
  std::vector<std::uint8_t> alphas = {};  // of the palette
  std::optional<int> clear = {};          // the grey that is transparent
  Bytes exif = {};
  bool interlaced = false;
};

inline void made_png_sink(png_structp png, png_bytep data, std::size_t count) {
  auto& out = *static_cast<Bytes*>(png_get_io_ptr(png));
  auto const bytes = std::as_bytes(std::span{data, count});
  out.insert(out.end(), bytes.begin(), bytes.end());
}

inline void made_png_extras(png_structp png, png_infop info, PngMade made) {
  std::vector<png_color> colours;
  for (auto const c : made.palette) colours.push_back({c.red, c.green, c.blue});
  if (!colours.empty())
    png_set_PLTE(png, info, colours.data(), static_cast<int>(colours.size()));
  if (!made.alphas.empty())
    png_set_tRNS(png, info, made.alphas.data(), static_cast<int>(made.alphas.size()), nullptr);
  png_color_16 clear{};
  clear.gray = static_cast<png_uint_16>(made.clear.value_or(0));
  if (made.clear) png_set_tRNS(png, info, nullptr, 0, &clear);
  if (!made.exif.empty())
    png_set_eXIf_1(png, info, static_cast<png_uint_32>(made.exif.size()),
                   reinterpret_cast<png_bytep>(made.exif.data()));
}

inline Bytes made_png(PngMade const& made) {
  Bytes out;
  auto* png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  auto* info = png_create_info_struct(png);
  png_set_write_fn(png, &out, made_png_sink, nullptr);
  png_set_check_for_invalid_index(png, -1);
  png_set_IHDR(png, info, static_cast<png_uint_32>(made.width),
               static_cast<png_uint_32>(made.height), made.bits, made.kind,
               made.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  made_png_extras(png, info, made);
  png_write_info(png, info);
  auto const each = made.samples.size() / static_cast<std::size_t>(made.height);
  std::vector<std::vector<std::uint8_t>> rows;
  for (int j = 0; j < made.height; ++j)
    rows.push_back(
        made_packed(std::span{made.samples}.subspan(static_cast<std::size_t>(j) * each, each),
                    made.bits, true));
  std::vector<png_bytep> pointers;
  for (auto& row : rows) pointers.push_back(row.data());
  png_write_image(png, pointers.data());
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return out;
}

struct JpegMade {
  J_COLOR_SPACE space = JCS_GRAYSCALE;
  bool progressive = false;
  Bytes exif = {};
};

/// The picture of 64 x 48 that made_jpeg writes: a smooth ramp, another one in each channel.
inline int made_ramp(std::int64_t i, std::int64_t j, std::int64_t channel) {
  auto const value = static_cast<int>(20 + 2 * i + j);
  return channel == 0 ? value : channel == 1 ? 255 - value : 120 + static_cast<int>(j);
}

inline Bytes made_jpeg(JpegMade const& made) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &memory, &size);
  auto const inks = made.space == JCS_CMYK || made.space == JCS_YCCK;
  info.image_width = 64;
  info.image_height = 48;
  info.input_components = inks ? 4 : made.space == JCS_GRAYSCALE ? 1 : 3;
  info.in_color_space = inks ? JCS_CMYK : made.space == JCS_GRAYSCALE ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_colorspace(&info, made.space);
  jpeg_set_quality(&info, 95, TRUE);
  for (int c = 0; c < info.num_components; ++c)
    info.comp_info[c].h_samp_factor = info.comp_info[c].v_samp_factor = 1;
  if (made.progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  if (!made.exif.empty()) {
    std::string marker{"Exif\0\0", 6};
    marker.append(reinterpret_cast<char const*>(made.exif.data()), made.exif.size());
    jpeg_write_marker(&info, JPEG_APP0 + 1, reinterpret_cast<JOCTET const*>(marker.data()),
                      static_cast<unsigned>(marker.size()));
  }
  std::vector<std::uint8_t> row(64U * static_cast<std::size_t>(info.input_components));
  for (int j = 0; j < 48; ++j) {
    std::size_t at = 0;
    for (int i = 0; i < 64; ++i) {
      // Adobe's files say how much light each ink lets through; the black one lets all.
      for (int c = 0; c < info.input_components; ++c)
        row[at++] = static_cast<std::uint8_t>(c == 3 ? 255 : made_ramp(i, j, c));
    }
    auto* pointer = row.data();
    jpeg_write_scanlines(&info, &pointer, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  auto const bytes = std::as_bytes(std::span{memory, size});
  Bytes out{bytes.begin(), bytes.end()};
  std::free(memory);
  return out;
}

enum class TiffLayout { strips, tiles, planes };

struct TiffMade {
  int width = 1, height = 1, bits = 8, kind = PHOTOMETRIC_MINISBLACK, each = 1;
  int extra = -1;  // what the last sample is
  std::vector<std::uint16_t> samples;
  std::vector<PaletteColour> palette = {};
  int packing = COMPRESSION_NONE, orientation = 1, format = SAMPLEFORMAT_UINT, pages = 1;
  TiffLayout layout = TiffLayout::strips;
  bool big = false;
};

inline void made_tiff_tags(TIFF* tiff, TiffMade const& made) {
  TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, made.width);
  TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, made.height);
  TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, made.bits);
  TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, made.each);
  TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, made.kind);
  TIFFSetField(tiff, TIFFTAG_COMPRESSION, made.packing);
  TIFFSetField(tiff, TIFFTAG_ORIENTATION, made.orientation);
  TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, made.format);
  TIFFSetField(tiff, TIFFTAG_PLANARCONFIG,
               made.layout == TiffLayout::planes ? PLANARCONFIG_SEPARATE : PLANARCONFIG_CONTIG);
  auto const extra = static_cast<std::uint16_t>(made.extra);
  if (made.extra >= 0) TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, 1, &extra);
  if (made.palette.empty()) return;
  std::vector<std::uint16_t> parts[3];
  for (std::size_t i = 0; i < std::size_t{1} << made.bits; ++i) {
    auto const c = i < made.palette.size() ? made.palette[i] : PaletteColour{};
    parts[0].push_back(static_cast<std::uint16_t>(c.red * 257));
    parts[1].push_back(static_cast<std::uint16_t>(c.green * 257));
    parts[2].push_back(static_cast<std::uint16_t>(c.blue * 257));
  }
  TIFFSetField(tiff, TIFFTAG_COLORMAP, parts[0].data(), parts[1].data(), parts[2].data());
}

/// The samples of a block of the picture, zeros beyond its edges; `plane` below 0: all samples
/// of each pixel.
inline std::vector<std::uint8_t> made_tiff_block(
    TiffMade const& made, int left, int top, int wide, int high, int plane) {
  std::vector<std::uint8_t> out;
  for (int j = top; j < top + high; ++j) {
    std::vector<std::uint16_t> row;
    for (int i = left; i < left + wide; ++i) {
      for (int s = plane < 0 ? 0 : plane; s < (plane < 0 ? made.each : plane + 1); ++s) {
        auto const inside = i < made.width && j < made.height;
        row.push_back(
            inside
                ? made.samples[static_cast<std::size_t>((j * made.width + i) * made.each + s)]
                : std::uint16_t{0});
      }
    }
    auto const packed = made_packed(row, made.bits, false);
    out.insert(out.end(), packed.begin(), packed.end());
  }
  return out;
}

inline void made_tiff_page(TIFF* tiff, TiffMade const& made) {
  made_tiff_tags(tiff, made);
  constexpr int tile = 16;
  constexpr int strip = 5;
  std::uint32_t index = 0;
  if (made.layout == TiffLayout::tiles) {
    TIFFSetField(tiff, TIFFTAG_TILEWIDTH, tile);
    TIFFSetField(tiff, TIFFTAG_TILELENGTH, tile);
    for (int top = 0; top < made.height; top += tile) {
      for (int left = 0; left < made.width; left += tile) {
        auto block = made_tiff_block(made, left, top, tile, tile, -1);
        TIFFWriteEncodedTile(tiff, index++, block.data(), static_cast<tmsize_t>(block.size()));
      }
    }
    return;
  }
  TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, strip);
  auto const planes = made.layout == TiffLayout::planes;
  for (int plane = planes ? 0 : -1; plane < (planes ? made.each : 0); ++plane) {
    for (int top = 0; top < made.height; top += strip) {
      auto block =
          made_tiff_block(made, 0, top, made.width, std::min(strip, made.height - top), plane);
      TIFFWriteEncodedStrip(tiff, index++, block.data(), static_cast<tmsize_t>(block.size()));
    }
  }
}

inline Bytes made_tiff(TiffMade const& made) {
  ScratchFolder const folder;
  auto const file = folder.path() / "made.tif";
  auto* const tiff = TIFFOpen(file.c_str(), made.big ? "wb" : "wl");
  for (int page = 0; page < made.pages; ++page) {
    auto one = made;
    for (auto& sample : one.samples) sample = static_cast<std::uint16_t>(sample + page);
    made_tiff_page(tiff, one);
    TIFFWriteDirectory(tiff);
  }
  TIFFClose(tiff);
  return read_file(file, 1 << 24);
}

struct BmpMade {
  int width = 1, height = 1, bits = 8;
  std::vector<std::vector<std::uint8_t>> rows;  // from the top, not yet padded
  std::vector<PaletteColour> palette = {};
  std::vector<std::uint32_t> masks = {};  // red, green, blue, alpha
  bool down = false;
};

inline void made_put(Bytes& out, std::uint32_t value, int count) {
  for (int i = 0; i < count; ++i)
    out.push_back(i < 4 ? static_cast<std::byte>(value >> (8 * i) & 0xff) : std::byte{0});
}

inline Bytes made_bmp(BmpMade const& made) {
  auto const header = made.masks.empty() ? 40U : 56U;
  auto const begin = 14U + header + 4U * static_cast<std::uint32_t>(made.palette.size());
  Bytes out{std::byte{'B'}, std::byte{'M'}};
  made_put(out, 0, 8);
  made_put(out, begin, 4);
  made_put(out, header, 4);
  made_put(out, static_cast<std::uint32_t>(made.width), 4);
  made_put(out, static_cast<std::uint32_t>(made.down ? -made.height : made.height), 4);
  made_put(out, 1, 2);
  made_put(out, static_cast<std::uint32_t>(made.bits), 2);
  made_put(out, made.masks.empty() ? 0 : 3, 4);
  made_put(out, 0, 12);
  made_put(out, static_cast<std::uint32_t>(made.palette.size()), 4);
  made_put(out, 0, 4);
  for (auto const mask : made.masks) made_put(out, mask, 4);
  for (auto const c : made.palette)
    made_put(out, c.blue | c.green << 8U | static_cast<std::uint32_t>(c.red) << 16U, 4);
  auto const pitch =
      (static_cast<std::size_t>(made.width) * static_cast<std::size_t>(made.bits) + 31) / 32 *
      4;
  for (int j = 0; j < made.height; ++j) {
    auto row = made.rows[static_cast<std::size_t>(made.down ? j : made.height - 1 - j)];
    row.resize(pitch);
    for (auto const value : row) out.push_back(std::byte{value});
  }
  return out;
}

struct GifMade {
  int width = 1, height = 1;
  std::vector<std::uint8_t> indices;
  std::vector<PaletteColour> palette;
  int frames = 1, transparent = -1, left = 0, top = 0;
  int screen = 0;  // a square larger than the frame
  bool interlaced = false;
};

inline int made_gif_sink(GifFileType* file, GifByteType const* data, int count) {
  auto& out = *static_cast<Bytes*>(file->UserData);
  auto const bytes = std::as_bytes(std::span{data, static_cast<std::size_t>(count)});
  out.insert(out.end(), bytes.begin(), bytes.end());
  return count;
}

inline void made_gif_frame(GifFileType* file, GifMade made, int frame) {
  GraphicsControlBlock control{};
  control.TransparentColor = made.transparent;
  GifByteType block[4];
  EGifGCBToExtension(&control, block);
  EGifPutExtension(file, GRAPHICS_EXT_FUNC_CODE, 4, block);
  EGifPutImageDesc(file, made.left, made.top, made.width, made.height, made.interlaced,
                   nullptr);
  std::vector<int> order;
  for (auto const& [first, step] :
       made.interlaced ? std::vector<std::pair<int, int>>{{0, 8}, {4, 8}, {2, 4}, {1, 2}}
                       : std::vector<std::pair<int, int>>{{0, 1}})
    for (int j = first; j < made.height; j += step) order.push_back(j);
  for (auto const j : order) {
    std::vector<GifPixelType> row(made.indices.begin() + j * made.width,
                                  made.indices.begin() + (j + 1) * made.width);
    for (auto& value : row)
      value =
          static_cast<GifPixelType>((value + frame) % static_cast<int>(made.palette.size()));
    EGifPutLine(file, row.data(), made.width);
  }
}

inline Bytes made_gif(GifMade const& made) {
  Bytes out;
  int fault = 0;
  auto* const file = EGifOpen(&out, made_gif_sink, &fault);
  EGifSetGifVersion(file, true);
  std::vector<GifColorType> colours;
  for (auto const c : made.palette) colours.push_back({c.red, c.green, c.blue});
  auto* const map = GifMakeMapObject(static_cast<int>(colours.size()), colours.data());
  auto const screen = [&](int size) { return made.screen == 0 ? size : made.screen; };
  EGifPutScreenDesc(file, screen(made.width), screen(made.height), 8, 0, map);
  for (int frame = 0; frame < made.frames; ++frame) made_gif_frame(file, made, frame);
  GifFreeMapObject(map);
  EGifCloseFile(file, &fault);
  return out;
}

}  // namespace fovea
