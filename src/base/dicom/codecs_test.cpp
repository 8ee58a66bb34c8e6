#include "base/dicom/codec.hpp"
#include "base/dicom/made/phantom.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <charls/charls_jpegls_encoder.h>
#include <cmath>
#include <cstdio>
#include <libdeflate.h>
#include <memory>
#include <numbers>
#include <openjpeg.h>
#include <string>
#include <vector>

// libjpeg's headers use FILE without including it, so <cstdio> stands before them.
#include <jpeglib.h>

namespace fovea {
namespace {

using CodecsImage = std::vector<std::uint16_t>;  // pixel by pixel

// Numbers that a seed decides, below 2^bits, smooth enough to make codes of all lengths.
CodecsImage codecs_image(std::size_t samples, int bits, std::uint32_t seed = 1) {
  CodecsImage out(samples);
  auto state = seed;
  for (auto& value : out) {
    state = state * 1664525 + 1013904223;
    auto const wide = state >> 31 != 0 ? bits : bits / 2;
    value = static_cast<std::uint16_t>((state >> 8) & ((1U << wide) - 1));
  }
  return out;
}

DicomShape codecs_shape(std::int64_t rows,
                        std::int64_t columns,
                        std::int64_t samples,
                        int bits) {
  DicomShape shape;
  shape.rows = rows;
  shape.columns = columns;
  shape.samples = samples;
  shape.allocated = bits == 1 ? 1 : bits <= 8 ? 8 : 16;
  shape.stored = bits;
  shape.high = bits - 1;
  return shape;
}

// What a codec made, pixel by pixel.
CodecsImage codecs_mixed(UnpackedFrame const& frame, DicomShape const& shape) {
  auto const width = sample_bytes(shape);
  auto const pixels = static_cast<std::size_t>(shape.pixels());
  auto const samples = static_cast<std::size_t>(shape.samples);
  EXPECT_EQ(frame.bytes.size(), pixels * samples * width);
  CodecsImage out(pixels * samples);
  for (std::size_t i = 0; i < out.size(); ++i) {
    auto const at = frame.planes ? i % samples * pixels + i / samples : i;
    std::memcpy(&out[i], frame.bytes.data() + at * width, std::min<std::size_t>(width, 2));
  }
  return out;
}

UnpackedFrame codecs_unpacked(Codec codec, std::string const& packed, DicomShape const& shape) {
  return unpack_frame({.uid = "", .name = "", .codec = codec}, made_bytes(packed), shape);
}

CodecsImage codecs_decoded(Codec codec, std::string const& packed, DicomShape const& shape) {
  return codecs_mixed(codecs_unpacked(codec, packed, shape), shape);
}

std::string codecs_code(Codec codec, std::string const& packed, DicomShape const& shape) {
  try {
    codecs_unpacked(codec, packed, shape);
  } catch (Refusal const& fault) {
    return std::string{fault.code()};
  }
  return "was taken";
}

// --- JPEG made bit by bit
// ------------------------------------------------------------------------

class CodecsJpeg {
 public:
  std::string out = "\xff\xd8";

  void word(std::size_t value) {
    out += static_cast<char>(value >> 8 & 255);
    out += static_cast<char>(value & 255);
  }
  void byte(std::size_t value) { out += static_cast<char>(value); }
  void marker(std::size_t which) { word(0xff00 + which); }
  void segment(std::size_t which, std::size_t length) {
    marker(which);
    word(length + 2);
  }
  void frame(std::size_t process,
             int precision,
             std::size_t rows,
             std::size_t columns,
             std::vector<std::size_t> const& factors) {
    segment(0xc0 + process, 6 + 3 * factors.size());
    byte(static_cast<std::size_t>(precision));
    word(rows);
    word(columns);
    byte(factors.size());
    for (std::size_t c = 0; c < factors.size(); ++c) {
      byte(c + 1);
      byte(factors[c]);
      byte(0);
    }
  }
  // Symbol n has n + 1 bits, all set but the last; the last two have 16.
  void ladder() {
    segment(0xc4, 17 + 17);
    byte(0);
    for (int i = 0; i < 15; ++i) byte(1);
    byte(2);
    for (std::size_t i = 0; i < 17; ++i) byte(i);
  }
  void ladder_code(int symbol) {
    if (symbol == 16) return bits(0xffff, 16);
    bits((1U << (symbol + 1)) - 2, symbol + 1);
  }
  void scan(std::vector<std::size_t> const& components,
            std::size_t first,
            std::size_t last,
            std::size_t low) {
    segment(0xda, 4 + 2 * components.size());
    byte(components.size());
    for (auto const c : components) {
      byte(c + 1);
      byte(0);
    }
    byte(first);
    byte(last);
    byte(low);
  }
  void bits(std::uint32_t value, int count) {
    for (int i = count - 1; i >= 0; --i) {
      held_ = held_ << 1 | (value >> i & 1);
      if (++holds_ < 8) continue;
      byte(held_ & 255);
      if ((held_ & 255) == 255) byte(0);
      holds_ = 0;
    }
  }
  void flush() {
    while (holds_ != 0) bits(1, 1);
  }
  // A number as its size and its bits (T.81 F.1.2.1).
  static int size_of(int value) {
    return static_cast<int>(std::bit_width(static_cast<unsigned>(std::abs(value))));
  }
  void number(int value) {
    auto const size = size_of(value);
    bits(static_cast<std::uint32_t>(value < 0 ? value + (1 << size) - 1 : value), size);
  }

 private:
  std::uint32_t held_ = 0;
  int holds_ = 0;
};

struct CodecsLossless {
  std::size_t rows = 5, columns = 7, components = 1;
  int precision = 12, predictor = 1, low = 0;
  std::size_t rows_between_restarts = 0;
  bool interleaved = true;

  std::string packed(CodecsImage const& image) const {
    CodecsJpeg out;
    out.frame(3, precision, rows, columns, std::vector<std::size_t>(components, 0x11));
    out.ladder();
    if (rows_between_restarts > 0) {
      out.segment(0xdd, 2);
      out.word(rows_between_restarts * columns);
    }
    std::vector<std::size_t> all;
    for (std::size_t c = 0; c < components; ++c) {
      all.push_back(c);
      if (!interleaved) scan(out, image, {c});
    }
    if (interleaved) scan(out, image, all);
    out.marker(0xd9);
    return out.out;
  }

 private:
  void scan(CodecsJpeg& out,
            CodecsImage const& image,
            std::vector<std::size_t> const& parts) const {
    out.scan(parts, static_cast<std::size_t>(predictor), 0, static_cast<std::size_t>(low));
    for (std::size_t j = 0; j < rows; ++j) {
      auto const restart = rows_between_restarts > 0 && j % rows_between_restarts == 0;
      if (restart && j > 0) {
        out.flush();
        out.marker(0xd0 + (j / rows_between_restarts - 1) % 8);
      }
      for (std::size_t i = 0; i < columns; ++i) {
        for (auto const c : parts) sample(out, image, i, j, c, j == 0 || restart);
      }
    }
    out.flush();
  }
  void sample(CodecsJpeg& out,
              CodecsImage const& image,
              std::size_t i,
              std::size_t j,
              std::size_t c,
              bool first_row) const {
    auto const at = [&](std::size_t x, std::size_t y) {
      return image[(y * columns + x) * components + c] >> low;
    };
    auto guess = 1 << (precision - low - 1);
    if (first_row && i > 0) guess = at(i - 1, j);
    if (!first_row && i == 0) guess = at(i, j - 1);
    if (!first_row && i > 0) {
      int const a = at(i - 1, j);
      int const b = at(i, j - 1);
      int const d = at(i - 1, j - 1);
      int const guesses[] = {
          a, b, d, a + b - d, a + ((b - d) >> 1), b + ((a - d) >> 1), (a + b) / 2};
      guess = guesses[predictor - 1];
    }
    // The difference modulo 2^16, between -32767 and 32768.
    auto const apart = static_cast<std::int16_t>(at(i, j) - guess);
    if (apart == -32768) return out.ladder_code(16);
    out.ladder_code(CodecsJpeg::size_of(apart));
    out.number(apart);
  }
};

TEST(JpegLossless, ReadsAllPredictorsAndPrecisions) {
  for (int predictor = 1; predictor <= 7; ++predictor) {
    for (int const precision : {2, 8, 12, 15, 16}) {
      for (std::size_t const components : {1U, 3U}) {
        SCOPED_TRACE(text(predictor, " ", precision, " ", components));
        auto const image = codecs_image(35 * components, precision);
        auto const shape = codecs_shape(5, 7, static_cast<std::int64_t>(components), precision);
        CodecsLossless made{
            .components = components, .precision = precision, .predictor = predictor};
        EXPECT_EQ(codecs_decoded(Codec::jpeg, made.packed(image), shape), image);
        made.interleaved = false;
        EXPECT_EQ(codecs_decoded(Codec::jpeg, made.packed(image), shape), image);
        made.rows_between_restarts = 1;
        EXPECT_EQ(codecs_decoded(Codec::jpeg, made.packed(image), shape), image);
        made.rows_between_restarts = 2;
        made.interleaved = true;
        EXPECT_EQ(codecs_decoded(Codec::jpeg, made.packed(image), shape), image);
      }
    }
  }
}

TEST(JpegLossless, CountsRestartsBeyondEight) {
  CodecsLossless const made{.rows = 20, .rows_between_restarts = 1};
  auto const image = codecs_image(20 * 7, 12);
  EXPECT_EQ(codecs_decoded(Codec::jpeg, made.packed(image), codecs_shape(20, 7, 1, 12)), image);
}

TEST(JpegLossless, ShiftsByThePointTransform) {
  auto image = codecs_image(35, 12);
  for (auto& value : image) value = static_cast<std::uint16_t>(value & ~7U);
  CodecsLossless const made{.predictor = 6, .low = 3};
  EXPECT_EQ(codecs_decoded(Codec::jpeg, made.packed(image), codecs_shape(5, 7, 1, 12)), image);
}

TEST(JpegLossless, WidensWhatHasFewerBitsThanItsCell) {
  auto const image = codecs_image(35, 8);
  CodecsLossless const made{.precision = 8};
  auto shape = codecs_shape(5, 7, 1, 16);
  EXPECT_EQ(codecs_decoded(Codec::jpeg, made.packed(image), shape), image);
  shape.allocated = 32;
  EXPECT_EQ(codecs_decoded(Codec::jpeg, made.packed(image), shape), image);
}

TEST(JpegLossless, RefusesWhatIsNotWhatTheHeaderSays) {
  auto const shape = codecs_shape(5, 7, 1, 12);
  auto const code = [&](CodecsLossless const& made) {
    return codecs_code(Codec::jpeg, made.packed(codecs_image(1000, made.precision)), shape);
  };
  EXPECT_EQ(code({}), "was taken");
  EXPECT_EQ(code({.rows = 6}), "bad-size");
  EXPECT_EQ(code({.columns = 6}), "bad-size");
  EXPECT_EQ(code({.components = 3}), "bad-size");
  EXPECT_EQ(codecs_code(Codec::jpeg, CodecsLossless{}.packed(codecs_image(35, 12)),
                        codecs_shape(5, 7, 1, 8)),
            "bad-bits");
  CodecsJpeg other;
  other.frame(9, 8, 5, 7, {0x11});  // arithmetic coding
  EXPECT_EQ(codecs_code(Codec::jpeg, other.out, shape), "unsupported-codec");
  auto const large = codecs_shape(60000, 60000, 1, 12);
  EXPECT_EQ(codecs_code(Codec::jpeg, CodecsLossless{}.packed(codecs_image(35, 12)), large),
            "too-large");
}

// Whatever is cut off, and whatever is lost to zeros up to the end: refused.
void codecs_expect_cut(Codec codec, std::string const& whole, DicomShape const& shape) {
  EXPECT_EQ(codecs_code(codec, whole, shape), "was taken");
  for (std::size_t size = 0; size + 1 < whole.size(); ++size) {
    EXPECT_EQ(codecs_code(codec, whole.substr(0, size), shape),
              size == 0 ? "short-pixels" : "damaged")
        << size;
    auto const zeros = whole.substr(0, size) + std::string(whole.size() - size, '\0');
    EXPECT_NE(codecs_code(codec, zeros, shape), "was taken") << size;
  }
}

TEST(JpegLossless, RefusesWhatIsCutShort) {
  CodecsLossless const made{.components = 3, .rows_between_restarts = 2};
  codecs_expect_cut(Codec::jpeg, made.packed(codecs_image(105, 12)), codecs_shape(5, 7, 3, 12));
}

// --- 12 bits, with loss
// ---------------------------------------------------------------------------

// Tables of codes that all have eight bits: the symbol itself.
void codecs_flat_tables(CodecsJpeg& out) {
  for (std::size_t const kind : {0x00U, 0x10U}) {
    out.segment(0xc4, 17 + 255);
    out.byte(kind);
    for (int length = 1; length <= 16; ++length) out.byte(length == 8 ? 255 : 0);
    for (std::size_t i = 0; i < 255; ++i) out.byte(i);
  }
  out.segment(0xdb, 65);
  out.byte(0);
  for (int i = 0; i < 64; ++i) out.byte(2);
}

// One block of a first coefficient and one more, `run` zeros behind it.
void codecs_block(CodecsJpeg& out, int difference, int run, int value) {
  out.bits(static_cast<std::uint32_t>(CodecsJpeg::size_of(difference)), 8);
  out.number(difference);
  if (value != 0) {
    out.bits(static_cast<std::uint32_t>(run << 4 | CodecsJpeg::size_of(value)), 8);
    out.number(value);
  }
  out.bits(0, 8);
}

TEST(JpegExtended, ReadsTwelveBits) {
  CodecsJpeg out;
  codecs_flat_tables(out);
  out.frame(1, 12, 8, 13, {0x11});
  out.scan({0}, 0, 63, 0);
  codecs_block(out, 400, 1, -300);  // the coefficient below the first: down by one
  codecs_block(out, -100, 0, 0);
  out.flush();
  out.marker(0xd9);
  auto const got = codecs_decoded(Codec::jpeg, out.out, codecs_shape(8, 13, 1, 12));
  for (std::size_t j = 0; j < 8; ++j) {
    for (std::size_t i = 0; i < 13; ++i) {
      // T.81 A.3.3, quantised by 2
      auto const wave = std::cos((2.0 * static_cast<double>(j) + 1) * std::numbers::pi / 16);
      auto const expected =
          i < 8 ? 2048 + 800 / 8.0 - 600 * wave / 4 / std::numbers::sqrt2 : 2048 + 600 / 8.0;
      EXPECT_NEAR(got[j * 13 + i], expected, 0.51) << i << ' ' << j;
    }
  }
}

TEST(JpegExtended, SpreadsColoursThatPixelsShareAndRestarts) {
  CodecsJpeg out;
  codecs_flat_tables(out);
  out.frame(1, 12, 16, 32, {0x21, 0x11, 0x11});
  out.segment(0xdd, 2);
  out.word(1);
  out.scan({0, 1, 2}, 0, 63, 0);
  for (int unit = 0; unit < 4; ++unit) {
    if (unit > 0) {
      out.flush();
      out.marker(static_cast<std::size_t>(0xd0 + unit - 1));
    }
    codecs_block(out, 4 * unit, 0, 0);  // a block of n has n / 4 above the middle
    codecs_block(out, 8, 0, 0);
    codecs_block(out, 100, 0, 0);
    codecs_block(out, -100 * unit, 0, 0);
  }
  out.flush();
  out.marker(0xd9);
  auto const shape = codecs_shape(16, 32, 3, 12);
  auto const got = codecs_decoded(Codec::jpeg, out.out, shape);
  for (std::size_t j = 0; j < 16; ++j) {
    for (std::size_t i = 0; i < 32; ++i) {
      auto const unit = j / 8 * 2 + i / 16;
      auto const* const pixel = got.data() + 3 * (j * 32 + i);
      EXPECT_EQ(pixel[0], 2048 + unit + (i / 8 % 2 == 0 ? 0 : 2));
      EXPECT_EQ(pixel[1], 2048 + 25);
      EXPECT_EQ(pixel[2], 2048 - 25 * unit);
    }
  }
  codecs_expect_cut(Codec::jpeg, out.out, shape);
}

// --- 8 bits
// ---------------------------------------------------------------------------------------

std::string codecs_jpeg(std::vector<std::uint8_t> samples,
                        int rows,
                        int columns,
                        int components,
                        bool progressive) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* room = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &room, &size);
  info.image_height = static_cast<JDIMENSION>(rows);
  info.image_width = static_cast<JDIMENSION>(columns);
  info.input_components = components;
  info.in_color_space = components == 1 ? JCS_GRAYSCALE : JCS_YCbCr;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, 100, TRUE);
  for (int c = 0; c < components; ++c)
    info.comp_info[c].h_samp_factor = info.comp_info[c].v_samp_factor = 1;
  if (progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  for (int j = 0; j < rows; ++j) {
    auto* row = samples.data() + j * columns * components;
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  std::string out{reinterpret_cast<char const*>(room), size};
  jpeg_destroy_compress(&info);
  std::free(room);
  return out;
}

TEST(Jpeg8bit, KeepsColoursAsTheyAreStored) {
  std::vector<std::uint8_t> samples;
  for (int i = 0; i < 16 * 12; ++i)
    for (auto const value : {i, 90, 200}) samples.push_back(static_cast<std::uint8_t>(value));
  for (bool const progressive : {false, true}) {
    auto const packed = codecs_jpeg(samples, 16, 12, 3, progressive);
    auto const shape = codecs_shape(16, 12, 3, 8);
    auto const got = codecs_decoded(Codec::jpeg, packed, shape);
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], samples[i], 2);
    EXPECT_EQ(codecs_code(Codec::jpeg, packed, codecs_shape(12, 16, 3, 8)), "bad-size");
    codecs_expect_cut(Codec::jpeg, packed, shape);
  }
}

// --- JPEG-LS
// --------------------------------------------------------------------------------------

std::string codecs_jpeg_ls(CodecsImage const& image,
                           DicomShape const& shape,
                           charls::interleave_mode mode,
                           int near = 0) {
  charls::jpegls_encoder encoder;
  encoder.frame_info({static_cast<std::uint32_t>(shape.columns),
                      static_cast<std::uint32_t>(shape.rows), shape.stored,
                      static_cast<std::int32_t>(shape.samples)});
  encoder.interleave_mode(mode).near_lossless(near);
  std::string out(encoder.estimated_destination_size(), '\0');
  encoder.destination(out);
  auto samples = image;
  if (mode == charls::interleave_mode::none) {
    auto const pixels = static_cast<std::size_t>(shape.pixels());
    for (std::size_t i = 0; i < image.size(); ++i)
      samples[i] = image[i % pixels * static_cast<std::size_t>(shape.samples) + i / pixels];
  }
  auto const bytes = as_samples(std::span<std::uint16_t const>{samples}, sample_bytes(shape));
  out.resize(encoder.encode(bytes));
  return out;
}

TEST(JpegLs, ReadsAllInterleavesAndPrecisions) {
  for (int const bits : {2, 7, 8, 12, 16}) {
    for (auto const mode : {charls::interleave_mode::none, charls::interleave_mode::line,
                            charls::interleave_mode::sample}) {
      SCOPED_TRACE(text(bits, " ", static_cast<int>(mode)));
      auto const shape = codecs_shape(9, 7, 3, bits);
      auto const image = codecs_image(9 * 7 * 3, bits);
      EXPECT_EQ(codecs_decoded(Codec::jpeg_ls, codecs_jpeg_ls(image, shape, mode), shape),
                image);
    }
  }
  auto const shape = codecs_shape(9, 7, 1, 12);
  auto const image = codecs_image(9 * 7, 12);
  auto const packed = codecs_jpeg_ls(image, shape, charls::interleave_mode::none, 3);
  auto const got = codecs_decoded(Codec::jpeg_ls, packed, shape);
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], image[i], 3);
  codecs_expect_cut(Codec::jpeg_ls, packed, shape);
  EXPECT_EQ(codecs_code(Codec::jpeg_ls, packed, codecs_shape(7, 9, 1, 12)), "bad-size");
  EXPECT_EQ(codecs_code(Codec::jpeg_ls, packed, codecs_shape(9, 7, 1, 8)), "bad-bits");
}

// --- JPEG 2000
// ------------------------------------------------------------------------------------

struct CodecsFile {
  std::string bytes;
  std::size_t at = 0;
};

OPJ_SIZE_T codecs_write(void* from, OPJ_SIZE_T count, void* to) {
  auto& file = *static_cast<CodecsFile*>(to);
  file.bytes.resize(std::max(file.bytes.size(), file.at + count));
  std::memcpy(file.bytes.data() + file.at, from, count);
  file.at += count;
  return count;
}
OPJ_BOOL codecs_seek(OPJ_OFF_T to, void* in) {
  static_cast<CodecsFile*>(in)->at = static_cast<std::size_t>(to);
  return OPJ_TRUE;
}
OPJ_OFF_T codecs_skip(OPJ_OFF_T count, void* in) {
  static_cast<CodecsFile*>(in)->at += static_cast<std::size_t>(count);
  return count;
}

std::string codecs_jpeg_2000(std::vector<int> const& image, DicomShape const& shape) {
  std::vector<opj_image_cmptparm_t> parts(static_cast<std::size_t>(shape.samples));
  for (auto& part : parts) {
    part.dx = part.dy = 1;
    part.w = static_cast<OPJ_UINT32>(shape.columns);
    part.h = static_cast<OPJ_UINT32>(shape.rows);
    part.prec = static_cast<OPJ_UINT32>(shape.stored);
    part.sgnd = shape.negative ? 1 : 0;
  }
  auto* const made = opj_image_create(static_cast<OPJ_UINT32>(parts.size()), parts.data(),
                                      parts.size() == 3 ? OPJ_CLRSPC_SRGB : OPJ_CLRSPC_GRAY);
  made->x1 = parts[0].w;
  made->y1 = parts[0].h;
  for (std::size_t i = 0; i < image.size(); ++i)
    made->comps[i % parts.size()].data[i / parts.size()] = image[i];
  opj_cparameters_t options{};
  opj_set_default_encoder_parameters(&options);
  options.numresolution = 2;
  options.tcp_numlayers = 1;
  options.cp_disto_alloc = 1;
  options.tcp_mct = parts.size() == 3 ? 1 : 0;
  auto* const codec = opj_create_compress(OPJ_CODEC_J2K);
  auto* const stream = opj_stream_create(4096, OPJ_FALSE);
  CodecsFile file;
  opj_stream_set_user_data(stream, &file, nullptr);
  opj_stream_set_write_function(stream, codecs_write);
  opj_stream_set_seek_function(stream, codecs_seek);
  opj_stream_set_skip_function(stream, codecs_skip);
  EXPECT_TRUE(opj_setup_encoder(codec, &options, made));
  EXPECT_TRUE(opj_start_compress(codec, made, stream));
  EXPECT_TRUE(opj_encode(codec, stream));
  EXPECT_TRUE(opj_end_compress(codec, stream));
  opj_stream_destroy(stream);
  opj_destroy_codec(codec);
  opj_image_destroy(made);
  return file.bytes;
}

TEST(Jpeg2000, ReadsAllPrecisionsSignedOrNot) {
  for (int const bits : {1, 2, 8, 12, 16}) {
    for (std::int64_t const samples : {1, 3}) {
      for (bool const negative : {false, true}) {
        SCOPED_TRACE(text(bits, " ", samples, " ", negative));
        if (bits == 1 && (negative || samples == 3)) continue;
        auto shape = codecs_shape(9, 12, samples, bits);
        shape.negative = negative;
        auto image = codecs_image(static_cast<std::size_t>(9 * 12 * samples), bits);
        std::vector<int> values;
        for (auto const value : image)
          values.push_back(negative ? value - (1 << (bits - 1)) : value);
        auto const frame =
            codecs_unpacked(Codec::jpeg_2000, codecs_jpeg_2000(values, shape), shape);
        EXPECT_EQ(frame.negative, negative);
        EXPECT_EQ(frame.precision, bits);
        auto const mask = shape.allocated <= 8 ? 0xff : 0xffff;
        for (std::size_t i = 0; i < image.size(); ++i)
          image[i] = static_cast<std::uint16_t>(values[i] & mask);
        EXPECT_EQ(codecs_mixed(frame, shape), image);
      }
    }
  }
}

TEST(Jpeg2000, RefusesWhatIsCutShortOrOfAnotherSize) {
  auto const shape = codecs_shape(9, 12, 1, 12);
  auto const image = codecs_image(9 * 12, 12);
  auto const packed = codecs_jpeg_2000({image.begin(), image.end()}, shape);
  codecs_expect_cut(Codec::jpeg_2000, packed, shape);
  EXPECT_EQ(codecs_code(Codec::jpeg_2000, packed, codecs_shape(12, 9, 1, 12)), "bad-size");
  EXPECT_EQ(codecs_code(Codec::jpeg_2000, packed, codecs_shape(9, 12, 3, 12)), "bad-size");
  EXPECT_EQ(codecs_code(Codec::jpeg_2000, packed, codecs_shape(9, 12, 1, 8)), "bad-bits");
  // Tiles of one pixel each.
  auto const large = codecs_shape(90, 120, 1, 12);
  auto const zeros = codecs_image(90 * 120, 1);
  auto tiles = codecs_jpeg_2000({zeros.begin(), zeros.end()}, large);
  tiles.replace(24, 8, std::string{"\0\0\0\1\0\0\0\1", 8});
  EXPECT_EQ(codecs_code(Codec::jpeg_2000, tiles, large), "too-large");
}

TEST(Jpeg2000, FindsTheStreamInAFileOfIt) {
  auto const shape = codecs_shape(9, 12, 1, 12);
  auto const image = codecs_image(9 * 12, 12);
  auto const stream = codecs_jpeg_2000({image.begin(), image.end()}, shape);
  std::string file{"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\0jp2c", 20};
  EXPECT_EQ(codecs_decoded(Codec::jpeg_2000, file + stream, shape), image);
  file[15] = '\x09';
  EXPECT_EQ(codecs_code(Codec::jpeg_2000, file + stream, shape), "damaged");
}

// --- deflate
// --------------------------------------------------------------------------------------

std::string codecs_deflated(std::string const& bytes) {
  auto* const codec = libdeflate_alloc_compressor(6);
  std::string out(libdeflate_deflate_compress_bound(codec, bytes.size()), '\0');
  out.resize(
      libdeflate_deflate_compress(codec, bytes.data(), bytes.size(), out.data(), out.size()));
  libdeflate_free_compressor(codec);
  return out;
}

TEST(DeflatedFrames, ComeOutAsTheyWere) {
  auto const shape = codecs_shape(1, 3, 1, 8);
  auto const got = [&](std::string const& packed) {
    return codecs_code(Codec::frames_deflated, packed, shape);
  };
  EXPECT_EQ(codecs_decoded(Codec::frames_deflated, codecs_deflated("abc"), shape),
            (CodecsImage{'a', 'b', 'c'}));
  EXPECT_EQ(got(codecs_deflated("abc") + std::string(1, '\0')), "was taken");
  EXPECT_EQ(got(codecs_deflated("abc0")), "was taken");  // padded before it was packed
  EXPECT_EQ(got(codecs_deflated("ab")), "damaged");
  EXPECT_EQ(got(codecs_deflated("abcde")), "damaged");
  EXPECT_EQ(got(codecs_deflated("abc").substr(0, 3)), "damaged");
  EXPECT_EQ(got("something else"), "damaged");
}

// --- what the header says about a stream's bits
// -------------------------------------------------

MadePixels codecs_made(std::string frame, std::uint32_t stored, bool negative) {
  return {.syntax = "1.2.840.10008.1.2.4.70",
          .rows = 1,
          .columns = 2,
          .stored = stored,
          .high = stored - 1,
          .signedness = negative ? 1U : 0U,
          .fragments = {std::move(frame)}};
}

std::vector<int> codecs_values(MadePixels const& made) {
  auto const bytes = made.bytes();
  auto const image = decode_frame(DicomFile{made_bytes(bytes), "x"});
  std::vector<int> out;
  with_type(image.type(), [&](auto zero) {
    for (auto const value : image.as<decltype(zero)>()) out.push_back(static_cast<int>(value));
  });
  return out;
}

TEST(CodecBits, AreTakenAsTheHeaderSaysUnlessThatIsUnclear) {
  auto const packed = [](CodecsImage const& image, int precision) {
    return CodecsLossless{.rows = 1, .columns = 2, .precision = precision}.packed(image);
  };
  using V = std::vector<int>;
  // All bits of the cell were packed: an overlay goes, signs are found.
  EXPECT_EQ(codecs_values(codecs_made(packed({0x8001, 0xffff}, 16), 12, false)), (V{1, 4095}));
  EXPECT_EQ(codecs_values(codecs_made(packed({0x0801, 0x0fff}, 16), 12, true)), (V{-2047, -1}));
  EXPECT_EQ(codecs_values(codecs_made(packed({0x0801, 0x0fff}, 12), 12, true)), (V{-2047, -1}));
  // Values begin at the lowest bit, though the header says that they begin higher.
  auto high = codecs_made(packed({0x801, 0xfff}, 12), 12, false);
  high.high = 15;
  EXPECT_EQ(codecs_values(high), (V{0x801, 0xfff}));
  // Twelve bits for sixteen with signs: only small values are the same both ways.
  EXPECT_EQ(codecs_values(codecs_made(packed({1, 2047}, 12), 16, true)), (V{1, 2047}));
  EXPECT_EQ(codecs_values(codecs_made(packed({1, 2048}, 12), 16, false)), (V{1, 2048}));
  try {
    codecs_values(codecs_made(packed({1, 2048}, 12), 16, true));
    ADD_FAILURE() << "was taken";
  } catch (Refusal const& fault) {
    EXPECT_EQ(fault.code(), "bad-bits");
  }
}

TEST(CodecColours, OfAReversibleTransformComeBackAsRgb) {
  auto const shape = codecs_shape(9, 12, 3, 8);
  auto const image = codecs_image(9 * 12 * 3, 8);
  MadePixels const made{.syntax = "1.2.840.10008.1.2.4.90",
                        .rows = 9,
                        .columns = 12,
                        .samples = 3,
                        .photometric = "YBR_RCT",
                        .allocated = 8,
                        .stored = 8,
                        .high = 7,
                        .fragments = {codecs_jpeg_2000({image.begin(), image.end()}, shape)}};
  auto const bytes = made.bytes();
  DicomFile const file{made_bytes(bytes), "x"};
  auto const colour = in_colour(decode_frame(file), file.scan());
  for (std::int64_t c = 0; c < 3; ++c) {
    for (std::size_t i = 0; i < 9 * 12; ++i)
      EXPECT_EQ(colour.channel<std::uint8_t>(c)[i], image[3 * i + static_cast<std::size_t>(c)]);
  }
}

}  // namespace
}  // namespace fovea
