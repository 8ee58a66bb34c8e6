#include "learn/report/colours.hpp"

#include "base/core/words.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numbers>
#include <string_view>

namespace fovea {
namespace {

/// Oklab in polar form; chroma as large as sRGB has at this lightness and hue, less a little.
struct ColoursStop {
  double lightness, chroma, degrees;
};
constexpr std::array colours_stops = {
    ColoursStop{0.26, 0.12, 302}, ColoursStop{0.43, 0.105, 262}, ColoursStop{0.60, 0.095, 198},
    ColoursStop{0.77, 0.165, 147}, ColoursStop{0.94, 0.180, 107}};

std::uint8_t colours_srgb(double linear) {
  linear = std::clamp(linear, 0.0, 1.0);
  auto const coded =
      linear <= 0.0031308 ? 12.92 * linear : 1.055 * std::pow(linear, 1 / 2.4) - 0.055;
  return static_cast<std::uint8_t>(std::lround(255 * coded));
}

// Bjorn Ottosson, "A perceptual color space for image processing", 2020.
Rgb colours_from_oklab(double lightness, double a, double b) {
  auto const cubed = [](double x) { return x * x * x; };
  auto const l = cubed(lightness + 0.3963377774 * a + 0.2158037573 * b);
  auto const m = cubed(lightness - 0.1055613458 * a - 0.0638541728 * b);
  auto const s = cubed(lightness - 0.0894841775 * a - 1.2914855480 * b);
  return {colours_srgb(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
          colours_srgb(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
          colours_srgb(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s)};
}

Rgb colours_computed(double value) {
  auto const place = value * (colours_stops.size() - 1);
  auto const at = std::min(static_cast<std::size_t>(place), colours_stops.size() - 2);
  auto const share = place - static_cast<double>(at);
  auto const& from = colours_stops[at];
  auto const& to = colours_stops[at + 1];
  auto const chroma = std::lerp(from.chroma, to.chroma, share);
  auto const angle = std::lerp(from.degrees, to.degrees, share) * std::numbers::pi / 180;
  return colours_from_oklab(std::lerp(from.lightness, to.lightness, share),
                            chroma * std::cos(angle), chroma * std::sin(angle));
}

void colours_expect(Volume const& image, Type type, bool holds, std::string_view what) {
  if (image.type() != type || image.depth() != 1 || !holds)
    throw Error{
        Fault::bug,
        text("expected ", what, ", got ", name_of(image.type()), ", ", image.width(), " x ",
             image.height(), " x ", image.depth(), ", ", image.channels(), " channels"),
        "convert it first"};
}

/// Letters of numbers, five rows of three pixels each, as one reads them.
struct ColoursLetter {
  char letter;
  std::string_view rows;
};
constexpr ColoursLetter colours_letters[] = {
    {'0', "####.##.##.####"}, {'1', ".#.##..#..#.###"}, {'2', "###..#####..###"},
    {'3', "###..####..####"}, {'4', "#.##.####..#..#"}, {'5', "####..###..####"},
    {'6', "####..####.####"}, {'7', "###..#.#..#..#."}, {'8', "####.#####.####"},
    {'9', "####.####..####"}, {'.', "............##."}, {'-', "......###......"},
    {'e', "####.#####..###"}, {'+', "....#.###.#...."}};

bool colours_lit(char letter, std::int64_t column, std::int64_t row) {
  auto const* const found = std::ranges::find(colours_letters, letter, &ColoursLetter::letter);
  return column < 3 && found != std::end(colours_letters) &&
         found->rows[static_cast<std::size_t>(3 * row + column)] == '#';
}

/// Writes `picture` into `sheet` with its corner at (left, top); grey goes into all channels.
void colours_paste(Volume const& picture, Volume& sheet, std::int64_t left, std::int64_t top) {
  for (std::int64_t channel = 0; channel < 3; ++channel) {
    auto const from = picture.channel<std::uint8_t>(picture.channels() == 3 ? channel : 0);
    auto const to = sheet.write_channel<std::uint8_t>(channel);
    for (std::int64_t j = 0; j < picture.height(); ++j) {
      std::ranges::copy(from.subspan(static_cast<std::size_t>(j * picture.width()),
                                     static_cast<std::size_t>(picture.width())),
                        to.begin() + (top + j) * sheet.width() + left);
    }
  }
}

/// A number in white on black, three digits ("0.125", "1.2e-05"), each pixel of a letter
/// `times` x `times`.
Volume colours_number(double value, std::int64_t times) {
  std::array<char, 32> letters{};
  auto const end = std::to_chars(letters.data(), letters.data() + letters.size(), value,
                                 std::chars_format::general, 3)
                       .ptr;
  std::string_view const spelling{letters.data(), end};
  constexpr std::int64_t height = 5;
  constexpr std::int64_t advance = 4;  // three pixels and a gap
  auto const count = static_cast<std::int64_t>(spelling.size());
  auto small = image2d(advance * count, height, Type::u8);
  auto const pixels = small.write<std::uint8_t>();
  for (std::int64_t j = 0; j < height; ++j) {
    for (std::int64_t i = 0; i < small.width(); ++i)
      pixels[static_cast<std::size_t>(j * small.width() + i)] =
          colours_lit(spelling[static_cast<std::size_t>(i / advance)], i % advance, j) ? 255
                                                                                       : 0;
  }
  return magnified(small, times);
}

}  // namespace

Rgb colour_of(double value) {
  static auto const map = [] {
    std::array<Rgb, 256> out{};
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = colours_computed(static_cast<double>(i) / 255);
    return out;
  }();
  return map[static_cast<std::size_t>(std::lround(255 * std::clamp(value, 0.0, 1.0)))];
}

Volume colour_mapped(Volume const& map, double low, double high) {
  colours_expect(map, Type::f32, map.channels() == 1, "a map (f32, one slice, one channel)");
  if (!(low < high))
    throw Error{Fault::bug, text("expected low < high, got ", low, " and ", high), "swap them"};
  Volume out{map.grid(), Type::u8, Unit::arbitrary, 3};
  auto const values = map.as<float>();
  for (std::size_t channel = 0; channel < 3; ++channel) {
    std::ranges::transform(
        values, out.write_channel<std::uint8_t>(static_cast<std::int64_t>(channel)).begin(),
        [&](float value) -> std::uint8_t {
          if (std::isnan(value)) return 0;
          return colour_of((static_cast<double>(value) - low) / (high - low))[channel];
        });
  }
  return out;
}

Volume overlay(Volume const& grey, Volume const& map, double opacity) {
  colours_expect(grey, Type::u8, grey.channels() == 1, "a grey picture (u8, one channel)");
  colours_expect(
      map, Type::f32,
      map.channels() == 1 && map.width() == grey.width() && map.height() == grey.height(),
      text("a map (f32) of ", grey.width(), " x ", grey.height()));
  if (!(opacity >= 0 && opacity <= 1))
    throw Error{Fault::bug, text("expected an opacity in [0, 1], got ", opacity), "clamp it"};
  Volume out{grey.grid(), Type::u8, Unit::arbitrary, 3};
  auto const picture = grey.as<std::uint8_t>();
  auto const values = map.as<float>();
  auto const voxels = out.write<std::uint8_t>();
  for (std::size_t i = 0; i < picture.size(); ++i) {
    auto const value = std::isnan(values[i]) ? 0.0 : std::clamp<double>(values[i], 0, 1);
    auto const colour = colour_of(value);
    for (std::size_t channel = 0; channel < 3; ++channel) {
      auto const mix = std::lerp(static_cast<double>(picture[i]),
                                 static_cast<double>(colour[channel]), opacity * value);
      voxels[channel * picture.size() + i] = static_cast<std::uint8_t>(std::lround(mix));
    }
  }
  return out;
}

Volume colour_scale(std::int64_t width, std::int64_t height) {
  auto map = image2d(width, height, Type::f32);
  auto voxel = map.write<float>().begin();
  for (std::int64_t j = 0; j < height; ++j) {
    for (std::int64_t i = 0; i < width; ++i)
      *voxel++ = static_cast<float>(
          width > 1 ? static_cast<double>(i) / static_cast<double>(width - 1) : 1);
  }
  return colour_mapped(map, 0, 1);
}

Volume with_scale(Volume const& picture, double high) {
  colours_expect(picture, Type::u8, picture.channels() == 1 || picture.channels() == 3,
                 "a picture (u8, 1 or 3 channels)");
  constexpr std::int64_t gap = 4;
  auto const width = picture.width();
  auto const times = std::max<std::int64_t>(1, width / 112);
  auto const scale = colour_scale(width, std::max<std::int64_t>(8, width / 24));
  auto const number = colours_number(high, times);
  auto const below = picture.height() + gap + scale.height() + gap;
  auto out = image2d(width, below + number.height(), Type::u8, 3);
  colours_paste(picture, out, 0, 0);
  colours_paste(scale, out, 0, picture.height() + gap);
  colours_paste(colours_number(0, times), out, 0, below);
  if (number.width() < width / 2) colours_paste(number, out, width - number.width(), below);
  return out;
}

Volume magnified(Volume const& picture, std::int64_t times) {
  colours_expect(picture, Type::u8, times >= 1,
                 "a picture (u8, one slice) and 1 or more times its size");
  auto out =
      image2d(picture.width() * times, picture.height() * times, Type::u8, picture.channels());
  for (std::int64_t channel = 0; channel < picture.channels(); ++channel) {
    auto const from = picture.channel<std::uint8_t>(channel);
    auto to = out.write_channel<std::uint8_t>(channel).begin();
    for (std::int64_t j = 0; j < out.height(); ++j) {
      for (std::int64_t i = 0; i < out.width(); ++i)
        *to++ = from[static_cast<std::size_t>(j / times * picture.width() + i / times)];
    }
  }
  return out;
}

Volume thumbnail(Volume const& picture, std::int64_t width) {
  colours_expect(picture, Type::u8, width >= 1,
                 "a picture (u8, one slice) and a width of at least 1");
  if (picture.width() <= width) return picture;
  auto const height = std::max<std::int64_t>(
      1, (picture.height() * width + picture.width() / 2) / picture.width());
  Volume out = image2d(width, height, Type::u8, picture.channels());
  for (std::int64_t channel = 0; channel < picture.channels(); ++channel) {
    auto const from = picture.channel<std::uint8_t>(channel);
    auto to = out.write_channel<std::uint8_t>(channel).begin();
    for (std::int64_t j = 0; j < height; ++j) {
      auto const top = j * picture.height() / height;
      auto const bottom = std::max(top + 1, (j + 1) * picture.height() / height);
      for (std::int64_t i = 0; i < width; ++i) {
        auto const left = i * picture.width() / width;
        auto const right = std::max(left + 1, (i + 1) * picture.width() / width);
        std::int64_t sum = 0;
        for (auto y = top; y < bottom; ++y) {
          for (auto x = left; x < right; ++x)
            sum += from[static_cast<std::size_t>(y * picture.width() + x)];
        }
        auto const covered = (bottom - top) * (right - left);
        *to++ = static_cast<std::uint8_t>((sum + covered / 2) / covered);
      }
    }
  }
  return out;
}

Volume montage(std::vector<Volume> const& pictures,
               std::int64_t columns,
               std::int64_t tile,
               std::int64_t gap) {
  if (pictures.empty() || columns < 1 || tile < 1 || gap < 0)
    throw Error{Fault::bug, "a montage without pictures, columns or room was asked for",
                "leave it out"};
  auto const count = static_cast<std::int64_t>(pictures.size());
  columns = std::min(columns, count);
  auto const rows = (count + columns - 1) / columns;
  auto sheet = image2d(columns * (tile + gap) - gap, rows * (tile + gap) - gap, Type::u8, 3);
  for (std::int64_t i = 0; i < count; ++i) {
    auto const& picture = pictures[static_cast<std::size_t>(i)];
    colours_expect(picture, Type::u8, picture.channels() == 1 || picture.channels() == 3,
                   "a picture (u8, 1 or 3 channels)");
    auto const longer = std::max(picture.width(), picture.height());
    auto small = thumbnail(
        picture, std::min(tile, std::max<std::int64_t>(1, picture.width() * tile / longer)));
    colours_paste(small, sheet, i % columns * (tile + gap) + (tile - small.width()) / 2,
                  i / columns * (tile + gap) + (tile - small.height()) / 2);
  }
  return sheet;
}

}  // namespace fovea
