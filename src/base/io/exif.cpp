#include "base/io/codec.hpp"
#include "base/io/ordered_numbers.hpp"

#include <algorithm>
#include <array>

namespace fovea {
namespace {

// Orientation 1 to 8 as: swap rows and columns first, then mirror left-right, then top-bottom
// (of the result).
struct ExifTurn {
  bool swap, mirror, flip;
};
constexpr std::array<ExifTurn, 9> exif_turns{{{},
                                              {false, false, false},
                                              {false, true, false},
                                              {false, true, true},
                                              {false, false, true},
                                              {true, false, false},
                                              {true, true, false},
                                              {true, true, true},
                                              {true, false, true}}};

template <class T>
void exif_turn(Volume const& from, Volume& to, ExifTurn turn) {
  for (std::int64_t c = 0; c < from.channels(); ++c) {
    auto const in = from.channel<T>(c);
    auto out = to.write_channel<T>(c).begin();
    for (std::int64_t j = 0; j < to.height(); ++j) {
      auto const y = turn.flip ? to.height() - 1 - j : j;
      for (std::int64_t i = 0; i < to.width(); ++i) {
        auto const x = turn.mirror ? to.width() - 1 - i : i;
        auto const place = turn.swap ? x * from.width() + y : y * from.width() + x;
        *out++ = in[static_cast<std::size_t>(place)];
      }
    }
  }
}

}  // namespace

int exif_orientation(std::span<std::byte const> tiff) {
  if (!begins_with(tiff, "II") && !begins_with(tiff, "MM")) return 1;
  OrderedNumbers const numbers{tiff, begins_with(tiff, "MM")};
  if (numbers.at(2, 2) != 42) return 1;
  std::size_t const table = numbers.at(4, 4);
  auto const count = numbers.at(table, 2);
  for (std::uint32_t i = 0; i < count; ++i) {
    auto const entry = table + 2 + std::size_t{12} * i;
    constexpr std::uint32_t orientation = 0x112;
    if (numbers.at(entry, 2) != orientation) continue;
    auto const value = numbers.at(entry + 8, 2);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

Volume oriented(Volume const& picture, int orientation) {
  if (orientation <= 1 || orientation > 8) return picture;
  auto const turn = exif_turns[static_cast<std::size_t>(orientation)];
  auto out =
      turn.swap
          ? image2d(picture.height(), picture.width(), picture.type(), picture.channels())
          : image2d(picture.width(), picture.height(), picture.type(), picture.channels());
  with_type(picture.type(), [&](auto zero) { exif_turn<decltype(zero)>(picture, out, turn); });
  return out;
}

}  // namespace fovea
