#include "base/io/codec.hpp"

#include <array>
#include <bit>
#include <vector>

namespace fovea {
namespace {

// Little-endian numbers; what lies beyond the end was cut off.
class BmpNumbers {
 public:
  explicit BmpNumbers(std::span<std::byte const> bytes) : bytes_(bytes) {}

  std::uint32_t at(std::size_t place, std::size_t count) const {
    if (place > bytes_.size() || bytes_.size() - place < count)
      refuse_picture(text("expected a whole BMP, got ", bytes_.size(), " bytes"));
    std::uint32_t value = 0;
    for (auto i = count; i-- > 0;)
      value = value << 8 | std::to_integer<std::uint32_t>(bytes_[place + i]);
    return value;
  }
  std::int32_t whole(std::size_t place) const {
    return std::bit_cast<std::int32_t>(at(place, 4));
  }
  std::size_t size() const { return bytes_.size(); }

 private:
  std::span<std::byte const> bytes_;
};

struct BmpHead {
  std::int64_t width = 0, height = 0;
  bool down = false;  // the top row comes first
  std::uint32_t bits = 0, packing = 0;
  std::size_t header = 0;  // bytes of the second header
  std::size_t pixels = 0;  // where they begin
  std::uint32_t colours = 0;

  bool old() const { return header == 12; }  // OS/2 1.x: 16-bit sizes, palettes of three bytes
  std::size_t pitch() const { return (static_cast<std::size_t>(width) * bits + 31) / 32 * 4; }
};

constexpr std::size_t bmp_file_header = 14;
constexpr std::uint32_t bmp_plain = 0, bmp_rle8 = 1, bmp_rle4 = 2, bmp_masks = 3,
                        bmp_masks_alpha = 6;

BmpHead bmp_head(BmpNumbers const& numbers) {
  BmpHead head;
  head.pixels = numbers.at(10, 4);
  head.header = numbers.at(bmp_file_header, 4);
  if (head.old()) {
    head.width = numbers.at(18, 2);
    head.height = numbers.at(20, 2);
    head.bits = numbers.at(24, 2);
    return head;
  }
  if (head.header < 40 || head.header > 4096)
    refuse_picture(text("expected a BMP header of 12 or at least 40 bytes, got ", head.header));
  head.width = numbers.whole(18);
  head.height = numbers.whole(22);
  head.down = head.height < 0;
  if (head.down) head.height = -head.height;
  head.bits = numbers.at(28, 2);
  head.packing = numbers.at(30, 4);
  head.colours = numbers.at(46, 4);
  return head;
}

void bmp_check(BmpHead const& head, BmpNumbers const& numbers) {
  if (head.packing == bmp_rle8 || head.packing == bmp_rle4)
    refuse_picture("expected an uncompressed BMP, got one packed by run lengths",
                   "save it uncompressed, or as PNG");
  auto const masked = head.packing == bmp_masks || head.packing == bmp_masks_alpha;
  auto const wide = head.bits == 16 || head.bits == 32;
  auto const known = head.packing == bmp_plain ? wide || head.bits == 1 || head.bits == 4 ||
                                                     head.bits == 8 || head.bits == 24
                                               : masked && wide;
  if (!known)
    refuse_picture(text("expected a BMP of 1, 4, 8, 16, 24 or 32 bits, got ", head.bits,
                        " bits with packing ", head.packing),
                   "save it as PNG");
  auto const needed = head.pitch() * static_cast<std::size_t>(head.height);
  if (head.pixels > numbers.size() || numbers.size() - head.pixels < needed)
    refuse_picture(text("expected ", needed, " bytes of pixels, got ",
                        head.pixels > numbers.size() ? 0 : numbers.size() - head.pixels));
}

std::vector<PaletteColour> bmp_palette(BmpHead const& head, BmpNumbers const& numbers) {
  auto const most = std::uint32_t{1} << head.bits;
  auto const count = head.colours == 0 ? most : std::min(head.colours, most);
  auto const each = head.old() ? std::size_t{3} : std::size_t{4};
  std::vector<PaletteColour> palette;
  for (std::uint32_t i = 0; i < count; ++i) {
    auto const place = bmp_file_header + head.header + each * i;
    // Old writers leave out the rest of the palette: the pixels begin where it would lie.
    if (place + each > head.pixels) break;
    palette.push_back({static_cast<std::uint8_t>(numbers.at(place + 2, 1)),
                       static_cast<std::uint8_t>(numbers.at(place + 1, 1)),
                       static_cast<std::uint8_t>(numbers.at(place, 1))});
  }
  return palette;
}

// Where a row of the picture lies in the file: the bottom row comes first unless the height is
// negative.
std::size_t bmp_row(BmpHead const& head, std::int64_t row) {
  return head.pixels +
         head.pitch() * static_cast<std::size_t>(head.down ? row : head.height - 1 - row);
}

Volume bmp_painted(BmpHead const& head,
                   BmpNumbers const& numbers,
                   std::span<std::byte const> bytes,
                   PictureNumbers meant) {
  std::vector<std::uint8_t> indices;
  indices.reserve(static_cast<std::size_t>(head.width * head.height));
  auto const mask = (1U << head.bits) - 1;
  for (std::int64_t j = 0; j < head.height; ++j) {
    auto const row = bytes.subspan(bmp_row(head, j), head.pitch());
    for (std::size_t i = 0; i < static_cast<std::size_t>(head.width); ++i) {
      auto const bit = i * head.bits;
      auto const shift = 8 - head.bits - bit % 8;
      indices.push_back(
          static_cast<std::uint8_t>(std::to_integer<unsigned>(row[bit / 8]) >> shift & mask));
    }
  }
  return painted(head.width, head.height, indices, bmp_palette(head, numbers), meant);
}

// One part of a pixel: its bits, widened to 0..255.
struct BmpPart {
  std::uint32_t mask = 0;

  std::uint8_t of(std::uint32_t pixel) const {
    auto const shift = std::countr_zero(mask);
    auto const most = std::uint64_t{mask >> shift};
    return static_cast<std::uint8_t>(
        ((pixel & mask) >> shift) * std::uint64_t{255} / most +
        (((pixel & mask) >> shift) * std::uint64_t{255} % most * 2 >= most ? 1 : 0));
  }
};

// Red, green, blue and alpha (0: none) of 16-bit and wider pixels.
std::array<BmpPart, 4> bmp_parts(BmpHead const& head, BmpNumbers const& numbers) {
  if (head.packing == bmp_plain) {
    if (head.bits == 16) return {{{0x7c00}, {0x03e0}, {0x001f}, {0}}};
    return {{{0xff0000}, {0x00ff00}, {0x0000ff}, {0}}};
  }
  std::array<BmpPart, 4> parts;
  auto const with_alpha = head.packing == bmp_masks_alpha || head.header >= 56;
  for (std::size_t i = 0; i < (with_alpha ? 4U : 3U); ++i)
    parts[i].mask = numbers.at(bmp_file_header + 40 + 4 * i, 4);
  for (std::size_t i = 0; i < 4; ++i) {
    auto const mask = parts[i].mask;
    auto const joined = mask == 0 ? 0 : (mask >> std::countr_zero(mask)) + 1;
    if ((mask == 0 && i < 3) || (joined & (joined - 1)) != 0 ||
        (head.bits == 16 && mask > 0xffff))
      refuse_picture("the masks of the BMP's colours make no sense");
  }
  return parts;
}

Volume bmp_coloured(BmpHead const& head, BmpNumbers const& numbers) {
  auto picture = image2d(head.width, head.height, Type::u8, 3);
  auto const parts = bmp_parts(head, numbers);
  auto const each = head.bits / 8;
  std::vector<std::uint8_t> row(static_cast<std::size_t>(head.width) * 4);
  for (std::int64_t j = 0; j < head.height; ++j) {
    auto place = bmp_row(head, j);
    for (std::size_t i = 0; i < row.size(); place += each) {
      auto const pixel = numbers.at(place, each);
      for (auto const& part : parts) row[i++] = part.mask == 0 ? 255 : part.of(pixel);
    }
    put_row(picture, j, row.data(), 4, 3);
  }
  return picture;
}

}  // namespace

bool begins_as_bmp(std::span<std::byte const> bytes) {
  // Two letters are little to go by: text may begin so too, but hardly with a header's length
  // behind.
  if (!begins_with(bytes, "BM")) return false;
  return bytes.size() < 18 || (bytes[16] == std::byte{0} && bytes[17] == std::byte{0});
}

Volume decode_bmp(std::span<std::byte const> bytes,
                  PictureLimits const& limits,
                  PictureNumbers meant) {
  BmpNumbers const numbers{bytes};
  auto const head = bmp_head(numbers);
  check_picture_size(head.width, head.height, limits);
  bmp_check(head, numbers);
  return head.bits <= 8 ? bmp_painted(head, numbers, bytes, meant)
                        : bmp_coloured(head, numbers);
}

}  // namespace fovea
