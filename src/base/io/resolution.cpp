#include "base/io/resolution.hpp"

#include "base/io/codec.hpp"
#include "base/io/ordered_numbers.hpp"

#include <cmath>
#include <cstdint>
#include <utility>
#include <zlib.h>

namespace fovea {
namespace {

using ResolutionSpacing = std::optional<std::array<double, 2>>;

// Of pixels per so many mm.
ResolutionSpacing resolution_of(double x, double y, double mm) {
  constexpr double least = 1e-6, most = 1e4;  // mm: from molecules to maps
  std::array const out{mm / x, mm / y};
  for (auto const spacing : out) {
    if (!std::isfinite(spacing) || spacing < least || spacing > most) return std::nullopt;
  }
  return out;
}

ResolutionSpacing resolution_turned(ResolutionSpacing spacing, int orientation) {
  if (spacing && orientation >= 5) std::swap((*spacing)[0], (*spacing)[1]);
  return spacing;
}

// TIFF 6.0, section 8: XResolution, YResolution, ResolutionUnit.
ResolutionSpacing resolution_in_tiff(std::span<std::byte const> tiff) {
  constexpr std::uint32_t x_tag = 282, y_tag = 283, unit_tag = 296, rational = 5;
  if (!begins_with(tiff, "II") && !begins_with(tiff, "MM")) return std::nullopt;
  OrderedNumbers const numbers{tiff, begins_with(tiff, "MM")};
  if (numbers.at(2, 2) != 42) return std::nullopt;
  std::size_t const table = numbers.at(4, 4);
  auto const count = numbers.at(table, 2);
  std::uint32_t unit = 2;
  double x = 0, y = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    auto const entry = table + 2 + std::size_t{12} * i;
    auto const tag = numbers.at(entry, 2);
    if (tag == unit_tag) unit = numbers.at(entry + 8, 2);
    if ((tag != x_tag && tag != y_tag) || numbers.at(entry + 2, 2) != rational) continue;
    std::size_t const place = numbers.at(entry + 8, 4);
    double const above = numbers.at(place, 4), below = numbers.at(place + 4, 4);
    (tag == x_tag ? x : y) = above / below;
  }
  if (unit != 2 && unit != 3) return std::nullopt;
  return resolution_turned(resolution_of(x, y, unit == 2 ? 25.4 : 10), exif_orientation(tiff));
}

// PNG 11.3.5.3, before the pixels.
ResolutionSpacing resolution_in_png(std::span<std::byte const> bytes) {
  OrderedNumbers const numbers{bytes, true};
  ResolutionSpacing out;
  int orientation = 1;
  constexpr std::size_t around = 12;  // length, name, checksum
  for (std::size_t at = 8; bytes.size() - at >= around;) {
    std::size_t const length = numbers.at(at, 4);
    if (length > bytes.size() - at - around) break;
    auto const chunk = bytes.subspan(at + 4, length + 4);
    if (begins_with(chunk, "IDAT")) break;
    auto const notes = begins_with(chunk, "pHYs") || begins_with(chunk, "eXIf");
    auto const* const summed = reinterpret_cast<Bytef const*>(chunk.data());
    auto const whole =
        notes && ::crc32_z(0, summed, chunk.size()) == numbers.at(at + 8 + length, 4);
    if (whole && begins_with(chunk, "eXIf")) orientation = exif_orientation(chunk.subspan(4));
    if (whole && begins_with(chunk, "pHYs") && length == 9 && numbers.at(at + 16, 1) == 1)
      out = resolution_of(numbers.at(at + 8, 4), numbers.at(at + 12, 4), 1000);
    at += length + around;
  }
  return resolution_turned(out, orientation);
}

// The segments in front of the pixels: JFIF 1.02, EXIF.
ResolutionSpacing resolution_in_jpeg(std::span<std::byte const> bytes) {
  using namespace std::string_view_literals;
  OrderedNumbers const numbers{bytes, true};
  ResolutionSpacing jfif, exif;
  int orientation = 1;
  for (std::size_t at = 2; bytes.size() - at >= 4 && numbers.at(at, 1) == 0xff;) {
    auto const kind = numbers.at(at + 1, 1);
    if (kind == 0xff) {
      ++at;
      continue;
    }
    std::size_t const length = numbers.at(at + 2, 2);
    if (kind == 0xda || length < 2 || length > bytes.size() - at - 2) break;
    auto const data = bytes.subspan(at + 4, length - 2);
    if (kind == 0xe0 && begins_with(data, "JFIF\0"sv) && data.size() >= 12) {
      auto const unit = numbers.at(at + 11, 1);
      if (unit == 1 || unit == 2)
        jfif = resolution_of(numbers.at(at + 12, 2), numbers.at(at + 14, 2),
                             unit == 1 ? 25.4 : 10);
    }
    if (kind == 0xe1 && begins_with(data, "Exif\0\0"sv)) {
      orientation = exif_orientation(data.subspan(6));
      exif = resolution_in_tiff(data.subspan(6));
    }
    at += 2 + length;
  }
  return jfif ? resolution_turned(jfif, orientation) : exif;
}

}  // namespace

ResolutionSpacing picture_spacing(std::span<std::byte const> bytes) {
  if (begins_as_png(bytes)) return resolution_in_png(bytes);
  if (begins_as_jpeg(bytes)) return resolution_in_jpeg(bytes);
  return resolution_in_tiff(bytes);
}

}  // namespace fovea
