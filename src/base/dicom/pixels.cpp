#include "base/dicom/pixels.hpp"

#include "base/dicom/codec.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <optional>

namespace fovea {
namespace {

static_assert(std::endian::native == std::endian::little,
              "pixels are taken as they lie in the file");

[[noreturn]] void pixels_refuse(
    std::string_view code,
    std::string const& happened,
    std::string const& remedy = "the file is damaged; fetch it again") {
  throw Refusal{code, happened, remedy};
}

std::int64_t pixels_whole(DicomItem const& item, Tag tag, std::int64_t otherwise) {
  if (item.find(tag) == nullptr || item.find(tag)->length == 0) return otherwise;
  auto const value = item.whole(tag);
  if (!value) pixels_refuse("bad-size", text("expected a whole number in ", words_of(tag)));
  return *value;
}

void pixels_check_size(DicomShape const& shape) {
  constexpr std::int64_t most = 65535;
  auto const fits = shape.rows >= 1 && shape.rows <= most && shape.columns >= 1 &&
                    shape.columns <= most && shape.frames >= 1 && shape.frames <= INT32_MAX &&
                    (shape.samples == 1 || shape.samples == 3 || shape.samples == 4);
  if (!fits)
    pixels_refuse("bad-size", text("expected an image of at least one pixel, got ", shape.rows,
                                   " rows, ", shape.columns, " columns, ", shape.frames,
                                   " frames, ", shape.samples, " samples"));
}

Type pixels_type(DicomScan const& scan, DicomShape const& shape) {
  if (scan.pixels().tag == Tag::float_pixels) return Type::f32;
  if (scan.pixels().tag == Tag::double_pixels) return Type::f64;
  switch (shape.allocated) {
    case 1:
      return Type::u8;
    case 8:
      return shape.negative ? Type::i8 : Type::u8;
    case 16:
      return shape.negative ? Type::i16 : Type::u16;
    default:
      return shape.negative ? Type::i32 : Type::u32;
  }
}

void pixels_check_bits(DicomScan const& scan, DicomShape& shape) {
  if (scan.pixels().tag != Tag::pixels) {
    auto const wide = scan.pixels().tag == Tag::double_pixels;
    if (shape.allocated != (wide ? 64 : 32) || shape.samples != 1)
      pixels_refuse("bad-bits",
                    text("expected ", wide ? 64 : 32,
                         " bits for pixels that are fractions, got ", shape.allocated));
    return;
  }
  constexpr int known[] = {1, 8, 16, 32};
  auto const fits = std::ranges::count(known, shape.allocated) == 1 && shape.stored >= 1 &&
                    shape.stored <= shape.allocated && shape.high >= shape.stored - 1 &&
                    shape.high < shape.allocated && (shape.allocated > 1 || shape.samples == 1);
  if (!fits)
    pixels_refuse("bad-bits", text("expected 1, 8, 16 or 32 bits that hold those stored, got ",
                                   shape.allocated, " allocated, ", shape.stored,
                                   " stored, the highest ", shape.high));
}

// --- bytes of a frame
// --------------------------------------------------------------------------

// No codec changes the order of samples. Pixels that are not encapsulated are taken so whatever
// the transfer syntax says.
bool pixels_lie_as_they_are(DicomScan const& scan) {
  auto const codec = scan.syntax().codec;
  return !scan.pixels().encapsulated || codec == Codec::none || codec == Codec::frames_deflated;
}

// Bits of a frame in the file, without packing.
std::uint64_t pixels_bits(DicomShape const& shape) {
  auto const samples = is_halved(shape) ? 2 : shape.samples;
  return static_cast<std::uint64_t>(shape.pixels() * samples) *
         static_cast<std::uint64_t>(shape.allocated);
}

// Frames of single bits follow each other without padding: the bits begin inside a byte.
struct PixelsRun {
  Bytes bytes;
  unsigned first_bit = 0;
  bool halved = false;
};

PixelsRun pixels_native(DicomFile const& file, DicomShape const& shape, std::int64_t frame) {
  auto const& place = file.scan().pixels();
  auto const bits = pixels_bits(shape);
  auto const needed = (bits * static_cast<std::uint64_t>(shape.frames) + 7) / 8;
  if (place.length < needed)
    pixels_refuse("short-pixels",
                  text("expected ", needed, " bytes of pixels, got ", place.length));
  auto const from = bits * static_cast<std::uint64_t>(frame);
  PixelsRun run{.bytes = Bytes((from % 8 + bits + 7) / 8),
                .first_bit = static_cast<unsigned>(from % 8),
                .halved = is_halved(shape)};
  file.read(place.at + from / 8, run.bytes);
  return run;
}

Bytes pixels_packed(DicomFile const& file, DicomShape const& shape, std::int64_t frame) {
  auto const parts = fragments_of(file, shape, frame);
  std::uint64_t size = 0;
  for (auto const& part : parts) size += part.length;
  Bytes out(size);
  std::size_t done = 0;
  for (auto const& part : parts) {
    file.read(part.at, std::span{out}.subspan(done, part.length));
    done += part.length;
  }
  return out;
}

// --- samples
// -----------------------------------------------------------------------------------

// The value of a sample out of its bits.
struct PixelsValue {
  int shift = 0;   // of the lowest stored bit
  int unused = 0;  // bits above the highest

  template <class T>
  T operator()(T raw) const {
    if constexpr (std::is_floating_point_v<T>) {
      return raw;
    } else {
      using Bits = std::make_unsigned_t<T>;
      // Up against the end, so that the sign falls where it belongs, and down again.
      auto const up = static_cast<Bits>(static_cast<Bits>(raw) << unused);
      return static_cast<T>(static_cast<T>(up) >> (unused + shift));
    }
  }
};

PixelsValue pixels_value(DicomShape const& shape) {
  if (shape.type == Type::f32 || shape.type == Type::f64) return {};
  return {.shift = shape.high - shape.stored + 1, .unused = shape.allocated - 1 - shape.high};
}

template <class T>
T pixels_sample(std::byte const* from, bool big) {
  std::array<std::byte, sizeof(T)> raw;
  std::memcpy(raw.data(), from, sizeof(T));
  if (big) std::ranges::reverse(raw);
  return std::bit_cast<T>(raw);
}

template <class T>
void pixels_fill(Volume& out, Bytes const& bytes, DicomShape const& shape, bool big) {
  auto const value = pixels_value(shape);
  auto const planes = shape.planes || shape.samples == 1;
  auto const pixels = static_cast<std::size_t>(shape.pixels());
  for (std::int64_t c = 0; c < shape.samples; ++c) {
    auto const channel = out.write_channel<T>(c);
    auto const* in =
        bytes.data() + sizeof(T) * static_cast<std::size_t>(c) * (planes ? pixels : 1);
    if (planes && !big) {
      // As they lie in memory: copied at once, then masked in vectors.
      std::memcpy(channel.data(), in, sizeof(T) * pixels);
      if (value.shift > 0 || value.unused > 0) {
        for (auto& sample : channel) sample = value(sample);
      }
      continue;
    }
    auto const step = sizeof(T) * static_cast<std::size_t>(planes ? 1 : shape.samples);
    for (std::size_t i = 0; i < pixels; ++i, in += step)
      channel[i] = value(pixels_sample<T>(in, big));
  }
}

// Y Y Cb Cr for each two pixels.
void pixels_fill_halved(Volume& out, Bytes const& bytes, DicomShape const& shape) {
  auto const pixels = static_cast<std::size_t>(shape.pixels());
  for (std::size_t i = 0; i < pixels; ++i) {
    auto const* const pair = bytes.data() + i / 2 * 4;
    auto const at = [&](std::size_t of) { return std::to_integer<std::uint8_t>(pair[of]); };
    out.write_channel<std::uint8_t>(0)[i] = at(i % 2);
    out.write_channel<std::uint8_t>(1)[i] = at(2);
    out.write_channel<std::uint8_t>(2)[i] = at(3);
  }
}

void pixels_fill_bits(Volume& out, PixelsRun const& run) {
  auto bit = std::size_t{run.first_bit};
  for (auto& value : out.write<std::uint8_t>()) {
    value = std::to_integer<std::uint8_t>(run.bytes[bit / 8] >> (bit % 8) & std::byte{1});
    ++bit;
  }
}

void pixels_swap_pairs(Bytes& bytes) {
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) std::swap(bytes[i], bytes[i + 1]);
}

// In words of 16 bits a single byte may lie on either side of a frame's edge.
PixelsRun pixels_native_words(DicomFile const& file,
                              DicomShape const& shape,
                              std::int64_t frame) {
  auto const& scan = file.scan();
  auto const swapped =
      scan.syntax().big && scan.pixels().kind == vr("OW") && shape.allocated <= 8;
  if (!swapped) return pixels_native(file, shape, frame);
  auto whole = shape;
  auto const all = pixels_bits(shape) * static_cast<std::uint64_t>(shape.frames);
  auto const needed = (all + 7) / 8;
  if (scan.pixels().length < needed)
    pixels_refuse("short-pixels",
                  text("expected ", needed, " bytes of pixels, got ", scan.pixels().length));
  auto const from = pixels_bits(whole) * static_cast<std::uint64_t>(frame);
  auto const first = from / 16 * 2;
  auto const end =
      std::min<std::uint64_t>((from + pixels_bits(whole) + 15) / 16 * 2, scan.pixels().length);
  PixelsRun run{.bytes = Bytes(end - first), .first_bit = 0, .halved = is_halved(shape)};
  file.read(scan.pixels().at + first, run.bytes);
  pixels_swap_pairs(run.bytes);
  run.bytes.erase(run.bytes.begin(),
                  run.bytes.begin() + static_cast<std::ptrdiff_t>(from / 8 - first));
  run.first_bit = static_cast<unsigned>(from % 8);
  return run;
}

// True if a sample of the stream has one of these bits.
bool pixels_have(UnpackedFrame const& frame, std::size_t width, std::uint64_t bits) {
  for (std::size_t at = 0; at < frame.bytes.size(); at += width) {
    std::uint64_t value = 0;
    std::memcpy(&value, frame.bytes.data() + at, width);
    if ((value & bits) != 0) return true;
  }
  return false;
}

// A stream may have fewer bits than the header says, or signs where the header says that there
// are none. As long as every value means the same both ways it is taken.
void pixels_check_signs(UnpackedFrame const& frame, DicomShape const& shape) {
  auto const width = sample_bytes(shape);
  auto const lost = frame.negative && !shape.negative;
  auto const unclear = !frame.negative && shape.negative && frame.precision < shape.stored;
  auto const bit = lost ? 8 * static_cast<int>(width) - 1 : frame.precision - 1;
  if ((lost || unclear) && pixels_have(frame, width, std::uint64_t{1} << bit))
    pixels_refuse("bad-bits",
                  text("expected ", shape.stored, " bits ", shape.negative ? "with" : "without",
                       " sign, as the header says, got ", frame.precision, " bits ",
                       frame.negative ? "with" : "without",
                       " sign in the stream: values may be negative or not"),
                  "write it again with a program that sets both alike");
}

PixelsRun pixels_unpacked(DicomFile const& file, DicomShape& shape, std::int64_t frame) {
  auto const& syntax = file.scan().syntax();
  auto unpacked = unpack_frame(syntax, pixels_packed(file, shape, frame), shape);
  shape.planes = unpacked.planes;
  if (unpacked.precision > 0) {
    shape.allocated = std::max(shape.allocated, 8);
    // The codec's values begin at the lowest bit, unless they are whole cells.
    if (unpacked.precision <= shape.high) shape.high = shape.stored - 1;
    pixels_check_signs(unpacked, shape);
  }
  return {.bytes = std::move(unpacked.bytes),
          .halved = pixels_lie_as_they_are(file.scan()) && is_halved(shape)};
}

PixelsRun pixels_run(DicomFile const& file, DicomShape& shape, std::int64_t frame) {
  return file.scan().pixels().encapsulated ? pixels_unpacked(file, shape, frame)
                                           : pixels_native_words(file, shape, frame);
}

}  // namespace

DicomShape dicom_shape(DicomScan const& scan) {
  auto const item = scan.root();
  if (number_of(scan.pixels().tag) == 0)
    pixels_refuse("no-pixels", "expected an image, got an object without pixels",
                  "choose one with pixels");
  DicomShape shape;
  shape.rows = pixels_whole(item, Tag::rows, 0);
  shape.columns = pixels_whole(item, Tag::columns, 0);
  shape.frames = pixels_whole(item, Tag::frames, 1);
  shape.samples = pixels_whole(item, Tag::samples, 1);
  shape.photometric = item.text(Tag::photometric);
  pixels_check_size(shape);
  auto const small = [&](Tag tag, std::int64_t otherwise) {
    return static_cast<int>(
        std::clamp<std::int64_t>(pixels_whole(item, tag, otherwise), -1, 1000));
  };
  shape.allocated = small(Tag::bits_allocated, 0);
  shape.stored = small(Tag::bits_stored, shape.allocated);
  shape.high = small(Tag::high_bit, shape.stored - 1);
  shape.negative = small(Tag::signedness, 0) == 1;
  shape.planes = small(Tag::planar, 0) == 1;
  pixels_check_bits(scan, shape);
  auto const odd = pixels_lie_as_they_are(scan) && shape.columns % 2 != 0;
  if (is_halved(shape) && (shape.allocated != 8 || odd))
    pixels_refuse("bad-size", "expected 8 bits and pairs of columns in YBR_FULL_422");
  shape.type = pixels_type(scan, shape);
  return shape;
}

bool holds_frames(DicomScan const& scan, DicomShape const& shape) {
  auto const& place = scan.pixels();
  auto const frames = static_cast<std::uint64_t>(shape.frames);
  if (place.encapsulated) return place.fragments.size() >= frames;
  return place.length >= (pixels_bits(shape) * frames + 7) / 8;
}

std::span<DicomFragment const> fragments_of(DicomFile const& file,
                                            DicomShape const& shape,
                                            std::int64_t frame) {
  std::span<DicomFragment const> const all{file.scan().pixels().fragments};
  if (shape.frames == 1) return all;
  auto const [first, end] = file.frame_pieces(shape.frames, frame);
  return all.subspan(first, end - first);
}

Volume decode_frame(DicomFile const& file, DicomShape const& said, std::int64_t frame) {
  auto shape = said;
  if (frame < 0 || frame >= shape.frames)
    pixels_refuse("no-frame", text("expected a frame below ", shape.frames, ", got ", frame),
                  "count from 0");
  auto const run = pixels_run(file, shape, frame);
  auto out = image2d(shape.columns, shape.rows, shape.type, shape.samples);
  if (shape.allocated == 1) {
    pixels_fill_bits(out, run);
  } else if (run.halved) {
    pixels_fill_halved(out, run.bytes, shape);
  } else {
    auto const big = file.scan().syntax().big;
    with_type(shape.type,
              [&](auto zero) { pixels_fill<decltype(zero)>(out, run.bytes, shape, big); });
  }
  return out;
}

Volume decode_frame(DicomFile const& file, std::int64_t frame) {
  return decode_frame(file, dicom_shape(file.scan()), frame);
}

// --- colours
// -----------------------------------------------------------------------------------

namespace {

struct PixelsPalette {
  std::int64_t first = 0;  // value of the first colour
  std::vector<double> colours;
};

// A palette's attributes: what it is, its colours, or the segments they are made of.
struct PixelsPart {
  Tag descriptor, colours, segments;
};

// Colours of 8 bits may lie two in each word.
std::vector<double> pixels_unpaired(std::vector<double> const& words) {
  std::vector<double> out;
  for (auto const pair : words) {
    auto const word = static_cast<unsigned>(pair);
    out.push_back(word & 255U);
    out.push_back(word >> 8);
  }
  return out;
}

// PS3.3 C.7.9.2: runs of colours as they are (0), and straight lines to a colour (1).
std::vector<double> pixels_expanded(std::vector<double> const& words, std::size_t most) {
  std::vector<double> out;
  for (std::size_t at = 0; at + 2 < words.size() && out.size() < most;) {
    auto const kind = words[at];
    auto const count = static_cast<std::size_t>(words[at + 1]);
    at += 2;
    if (kind == 0 && count <= words.size() - at) {
      out.insert(out.end(), words.begin() + static_cast<std::ptrdiff_t>(at),
                 words.begin() + static_cast<std::ptrdiff_t>(at + count));
      at += count;
    } else if (kind == 1 && !out.empty()) {
      auto const from = out.back();
      auto const to = words[at++];
      for (std::size_t i = 1; i <= count; ++i)
        out.push_back(std::round(from + (to - from) * static_cast<double>(i) /
                                            static_cast<double>(count)));
    } else {
      pixels_refuse("bad-palette",
                    text("expected a palette of runs and lines, got a segment of "
                         "kind ",
                         kind));
    }
  }
  return out;
}

PixelsPalette pixels_palette(DicomItem const& item, PixelsPart const& part) {
  auto const said = item.numbers(part.descriptor);
  auto const colours = item.numbers(part.colours);
  auto const segments = item.numbers(part.segments);
  if (!said || said->size() != 3 || (!colours && !segments))
    pixels_refuse("bad-palette", "expected a palette with three numbers before it, got none");
  if (!((*said)[0] >= 0 && (*said)[0] <= 65536))
    pixels_refuse("bad-palette", text("expected at most 65536 colours, got ", (*said)[0]));
  auto const count = (*said)[0] == 0 ? 65536 : static_cast<std::size_t>((*said)[0]);
  auto const bits = (*said)[2];
  constexpr double most = 65535;
  for (auto const* const words : {&colours, &segments}) {
    if (!*words) continue;
    auto const odd = std::ranges::find_if_not(
        **words, [](double word) { return word >= 0 && word <= most; });
    if (odd != (*words)->end())
      pixels_refuse("bad-palette", text("expected words of 0 to ", most, ", got ", *odd));
  }
  if (!((*said)[1] >= -most && (*said)[1] <= most))
    pixels_refuse(
        "bad-palette",
        text("expected a palette that begins at a value of 16 bits, got ", (*said)[1]));
  PixelsPalette palette{.first = static_cast<std::int64_t>((*said)[1]), .colours = {}};
  palette.colours = colours ? *colours : pixels_expanded(*segments, count);
  if (bits == 8 && colours && palette.colours.size() < count)
    palette.colours = pixels_unpaired(*colours);
  if (palette.colours.size() < count || (bits != 8 && bits != 16))
    pixels_refuse("bad-palette", text("expected ", count, " colours of 8 or 16 bits, got ",
                                      palette.colours.size(), " of ", bits));
  palette.colours.resize(count);
  return palette;
}

Volume pixels_painted(Volume const& stored, DicomItem const& item) {
  auto out = image2d(stored.width(), stored.height(), Type::u16, 3);
  constexpr PixelsPart parts[] = {
      {Tag::palette_red, Tag::palette_red_data, Tag::palette_red_segments},
      {Tag::palette_green, Tag::palette_green_data, Tag::palette_green_segments},
      {Tag::palette_blue, Tag::palette_blue_data, Tag::palette_blue_segments}};
  for (std::int64_t c = 0; c < 3; ++c) {
    auto const palette = pixels_palette(item, parts[c]);
    auto const last = static_cast<std::int64_t>(palette.colours.size()) - 1;
    with_type(stored.type(), [&](auto zero) {
      std::ranges::transform(
          stored.as<decltype(zero)>(), out.write_channel<std::uint16_t>(c).begin(),
          [&](auto value) {
            auto const at = static_cast<std::int64_t>(value) - palette.first;
            return static_cast<std::uint16_t>(
                palette
                    .colours[static_cast<std::size_t>(std::clamp<std::int64_t>(at, 0, last))]);
          });
    });
  }
  return out;
}

// PS3.3 C.7.6.3.1.2
Volume pixels_from_ybr(Volume const& stored) {
  auto out = image2d(stored.width(), stored.height(), Type::u8, 3);
  auto const from = [&](std::int64_t c) { return stored.channel<std::uint8_t>(c); };
  auto const pixels = static_cast<std::size_t>(stored.voxels());
  auto const shade = [](double value) {
    return static_cast<std::uint8_t>(std::lround(std::clamp(value, 0.0, 255.0)));
  };
  for (std::size_t i = 0; i < pixels; ++i) {
    double const y = from(0)[i];
    auto const blue = from(1)[i] - 128.0;
    auto const red = from(2)[i] - 128.0;
    out.write_channel<std::uint8_t>(0)[i] = shade(y + 1.402 * red);
    out.write_channel<std::uint8_t>(1)[i] = shade(y - 0.344136 * blue - 0.714136 * red);
    out.write_channel<std::uint8_t>(2)[i] = shade(y + 1.772 * blue);
  }
  return out;
}

}  // namespace

Volume in_colour(Volume const& stored, DicomScan const& scan) {
  auto const kind = scan.root().text(Tag::photometric);
  auto const made_so = kind == "RGB" || kind == "YBR_RCT" || kind == "YBR_ICT";
  if (made_so && stored.channels() == 3) return stored;
  if (kind == "PALETTE COLOR" && stored.channels() == 1)
    return pixels_painted(stored, scan.root());
  if ((kind == "YBR_FULL" || kind == "YBR_FULL_422") && stored.channels() == 3 &&
      stored.type() == Type::u8)
    return pixels_from_ybr(stored);
  pixels_refuse("unsupported-colour", text("expected RGB, YBR_FULL or a palette, got ", kind),
                "convert it with another program first");
}

}  // namespace fovea
