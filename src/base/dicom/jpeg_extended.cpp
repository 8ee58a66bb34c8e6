#include "base/dicom/jpeg.hpp"

#include <cmath>
#include <numbers>

namespace fovea {
namespace {

[[noreturn]] void jpeg_extended_damaged(std::string_view found) {
  refuse_stream("extended JPEG", found);
}

// From the order in the stream to rows of eight. T.81 figure A.6.
constexpr std::array<std::uint8_t, 64> jpeg_extended_zigzag = [] {
  std::array<std::uint8_t, 64> out{};
  int x = 0;
  int y = 0;
  for (auto& place : out) {
    place = static_cast<std::uint8_t>(8 * y + x);
    auto const up = (x + y) % 2 == 0;
    if (up && x == 7) {
      ++y;
    } else if (up && y == 0) {
      ++x;
    } else if (!up && y == 7) {
      ++x;
    } else if (!up && x == 0) {
      ++y;
    } else {
      x += up ? 1 : -1;
      y += up ? -1 : 1;
    }
  }
  return out;
}();

using JpegExtendedBlock = std::array<float, 64>;

// Row u is the cosine of frequency u at the eight samples, scaled. T.81 A.3.3.
JpegExtendedBlock const& jpeg_extended_cosines() {
  static JpegExtendedBlock const table = [] {
    JpegExtendedBlock out{};
    for (std::size_t u = 0; u < 8; ++u) {
      auto const scale = u == 0 ? std::sqrt(0.125) : 0.5;
      for (std::size_t x = 0; x < 8; ++x)
        out[8 * u + x] = static_cast<float>(
            scale * std::cos(static_cast<double>((2 * x + 1) * u) * std::numbers::pi / 16));
    }
    return out;
  }();
  return table;
}

// Most of the higher frequencies are zero: their rows are left out.
void jpeg_extended_inverse(JpegExtendedBlock& block) {
  auto const& cosines = jpeg_extended_cosines();
  JpegExtendedBlock half{};
  for (std::size_t v = 0; v < 8; ++v) {
    for (std::size_t u = 0; u < 8; ++u) {
      auto const value = block[8 * v + u];
      if (value == 0) continue;
      for (std::size_t x = 0; x < 8; ++x) half[8 * v + x] += value * cosines[8 * u + x];
    }
  }
  block.fill(0);
  for (std::size_t v = 0; v < 8; ++v) {
    for (std::size_t y = 0; y < 8; ++y) {
      auto const by = cosines[8 * v + y];
      for (std::size_t x = 0; x < 8; ++x) block[8 * y + x] += half[8 * v + x] * by;
    }
  }
}

// A component's samples, in whole blocks.
struct JpegExtendedPlane {
  std::size_t blocks_across, blocks_down;  // that are stored: whole units of all components
  std::size_t own_across, own_down;        // that its samples need
  std::vector<std::uint16_t> samples;
};

// What one component needs to decode its next block.
struct JpegExtendedPart {
  JpegHuffman const* dc;
  JpegHuffman const* ac;
  std::array<std::uint16_t, 64> const* quantiser;
  JpegExtendedPlane* plane;
  std::size_t across, down;  // blocks of it in a unit
  std::int16_t last_dc = 0;
};

// T.81 F.2.2: the first coefficient as a difference, the others as runs of zeros and a number.
void jpeg_extended_coefficients(JpegBits& bits,
                                JpegExtendedPart& part,
                                JpegExtendedBlock& block) {
  auto const next = [&](JpegHuffman const& table) {
    auto const window = bits.window();
    auto const code = table.look(window);
    auto const size = code.symbol & 15;
    bits.skip(code.length + size);
    return std::pair{code.symbol, jpeg_extended_number(window, code.length, size)};
  };
  block.fill(0);
  auto const [category, difference] = next(*part.dc);
  if (category > 15) jpeg_extended_damaged("a difference of more than 15 bits");
  part.last_dc = static_cast<std::int16_t>(part.last_dc + difference);
  block[0] = static_cast<float>(part.last_dc * (*part.quantiser)[0]);
  for (std::size_t k = 1; k < 64; ++k) {
    auto const [symbol, value] = next(*part.ac);
    auto const run = static_cast<std::size_t>(symbol >> 4);
    if ((symbol & 15) == 0 && run != 15) return;  // the rest is zero
    k += run;
    if (k > 63) jpeg_extended_damaged("more coefficients than a block has");
    block[jpeg_extended_zigzag[k]] =
        static_cast<float>(value) * static_cast<float>((*part.quantiser)[k]);
  }
}

void jpeg_extended_block(JpegBits& bits,
                         JpegExtendedPart& part,
                         std::size_t across,
                         std::size_t down,
                         int precision) {
  JpegExtendedBlock block;
  jpeg_extended_coefficients(bits, part, block);
  jpeg_extended_inverse(block);
  auto const middle = static_cast<float>(1 << (precision - 1));
  auto const most = static_cast<float>((1 << precision) - 1);
  auto const width = 8 * part.plane->blocks_across;
  auto* to = part.plane->samples.data() + 8 * down * width + 8 * across;
  for (std::size_t y = 0; y < 8; ++y, to += width) {
    for (std::size_t x = 0; x < 8; ++x)
      to[x] =
          static_cast<std::uint16_t>(std::clamp(block[8 * y + x] + middle, 0.0F, most) + 0.5F);
  }
}

std::size_t jpeg_extended_shares(std::int64_t whole, std::int64_t each) {
  return static_cast<std::size_t>((whole + each - 1) / each);
}

struct JpegExtendedSize {
  int across = 1, down = 1;  // the largest sampling factors
  std::size_t units_across = 0, units_down = 0;
};

JpegExtendedSize jpeg_extended_size(JpegFrame const& frame) {
  JpegExtendedSize size;
  for (auto const& component : frame.components) {
    size.across = std::max(size.across, component.across);
    size.down = std::max(size.down, component.down);
  }
  size.units_across = jpeg_extended_shares(frame.columns, 8 * size.across);
  size.units_down = jpeg_extended_shares(frame.rows, 8 * size.down);
  return size;
}

std::vector<JpegExtendedPlane> jpeg_extended_planes(JpegFrame const& frame,
                                                    std::size_t packed) {
  auto const size = jpeg_extended_size(frame);
  std::vector<JpegExtendedPlane> planes;
  std::size_t blocks = 0;
  for (auto const& component : frame.components) {
    auto const across = static_cast<std::size_t>(component.across);
    auto const down = static_cast<std::size_t>(component.down);
    planes.push_back(
        {.blocks_across = size.units_across * across,
         .blocks_down = size.units_down * down,
         .own_across = jpeg_extended_shares(frame.columns * component.across, 8 * size.across),
         .own_down = jpeg_extended_shares(frame.rows * component.down, 8 * size.down),
         .samples = {}});
    blocks += planes.back().own_across * planes.back().own_down;
  }
  // A block takes two bits at least.
  if (blocks / 4 > packed) jpeg_extended_damaged("only a part of it");
  for (auto& plane : planes) plane.samples.resize(64 * plane.blocks_across * plane.blocks_down);
  return planes;
}

std::vector<JpegExtendedPart> jpeg_extended_parts(JpegReader const& stream,
                                                  JpegScan const& scan,
                                                  std::vector<JpegExtendedPlane>& planes) {
  std::vector<JpegExtendedPart> parts;
  for (auto const& part : scan.parts) {
    auto const& component = stream.frame().components[part.component];
    parts.push_back({.dc = &stream.dc(part.dc),
                     .ac = &stream.ac(part.ac),
                     .quantiser = &stream.quantiser(component.quantiser),
                     .plane = &planes[part.component],
                     .across = static_cast<std::size_t>(component.across),
                     .down = static_cast<std::size_t>(component.down)});
  }
  // Alone, a component goes block by block and has no more of them than it needs.
  if (parts.size() == 1) parts[0].across = parts[0].down = 1;
  return parts;
}

// T.81 A.2: units from left to right and down; in each, the blocks of each component.
void jpeg_extended_scan(JpegReader& stream,
                        JpegScan const& scan,
                        std::vector<JpegExtendedPlane>& planes) {
  auto parts = jpeg_extended_parts(stream, scan, planes);
  auto const size = jpeg_extended_size(stream.frame());
  auto const alone = parts.size() == 1;
  auto const across = alone ? parts[0].plane->own_across : size.units_across;
  auto const down = alone ? parts[0].plane->own_down : size.units_down;
  auto const interval = static_cast<std::size_t>(stream.restart_interval());
  auto bits = stream.bits();
  for (std::size_t unit = 0; unit < across * down; ++unit) {
    if (interval > 0 && unit > 0 && unit % interval == 0) {
      if (bits.overran()) jpeg_extended_damaged("a scan that breaks off");
      bits = stream.bits_behind_restart(static_cast<std::int64_t>(unit / interval) - 1);
      for (auto& part : parts) part.last_dc = 0;
    }
    for (auto& part : parts) {
      for (std::size_t b = 0; b < part.across * part.down; ++b)
        jpeg_extended_block(bits, part, unit % across * part.across + b % part.across,
                            unit / across * part.down + b / part.across,
                            stream.frame().precision);
    }
    if (bits.overran()) jpeg_extended_damaged("a scan that breaks off");
  }
}

// Samples that several pixels share are repeated.
std::vector<std::uint16_t> jpeg_extended_image(JpegFrame const& frame,
                                               std::vector<JpegExtendedPlane> const& planes) {
  auto const size = jpeg_extended_size(frame);
  auto const rows = static_cast<std::size_t>(frame.rows);
  auto const columns = static_cast<std::size_t>(frame.columns);
  std::vector<std::uint16_t> out(rows * columns * planes.size());
  for (std::size_t c = 0; c < planes.size(); ++c) {
    auto const share = [](std::size_t at, int own, int most) {
      return at * static_cast<std::size_t>(own) / static_cast<std::size_t>(most);
    };
    auto* to = out.data() + c * rows * columns;
    for (std::size_t j = 0; j < rows; ++j) {
      auto const* const from =
          planes[c].samples.data() +
          share(j, frame.components[c].down, size.down) * 8 * planes[c].blocks_across;
      for (std::size_t i = 0; i < columns; ++i)
        *to++ = from[share(i, frame.components[c].across, size.across)];
    }
  }
  return out;
}

}  // namespace

UnpackedFrame unpack_jpeg_extended(JpegReader& stream,
                                   std::span<std::byte const> packed,
                                   DicomShape const& shape) {
  auto planes = jpeg_extended_planes(stream.frame(), packed.size());
  std::vector<bool> there(planes.size());
  while (auto const scan = stream.next_scan()) {
    for (auto const& part : scan->parts) {
      if (there[part.component]) jpeg_extended_damaged("a component that is there twice");
      there[part.component] = true;
    }
    jpeg_extended_scan(stream, *scan, planes);
  }
  if (std::ranges::count(there, false) > 0) jpeg_extended_damaged("a component too few");
  auto const image = jpeg_extended_image(stream.frame(), planes);
  return {.bytes = as_samples(std::span<std::uint16_t const>{image}, sample_bytes(shape)),
          .planes = true};
}

}  // namespace fovea
