#include "base/io/dicom_sc_mark.hpp"

#include "base/core/words.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

namespace fovea {
namespace {

constexpr std::int64_t mark_wide = 5, mark_high = 7;  // dots of a letter

struct MarkGlyph {
  char letter;
  std::array<std::uint8_t, mark_high> rows;  // the lowest bit is the dot on the right
};

constexpr MarkGlyph mark_glyphs[] = {{'?', {0x0e, 0x11, 0x01, 0x02, 0x04, 0x00, 0x04}},
                                     {' ', {0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00}},
                                     {'A', {0x0e, 0x11, 0x11, 0x1f, 0x11, 0x11, 0x11}},
                                     {'B', {0x1e, 0x11, 0x11, 0x1e, 0x11, 0x11, 0x1e}},
                                     {'C', {0x0e, 0x11, 0x10, 0x10, 0x10, 0x11, 0x0e}},
                                     {'D', {0x1e, 0x11, 0x11, 0x11, 0x11, 0x11, 0x1e}},
                                     {'E', {0x1f, 0x10, 0x10, 0x1e, 0x10, 0x10, 0x1f}},
                                     {'F', {0x1f, 0x10, 0x10, 0x1e, 0x10, 0x10, 0x10}},
                                     {'G', {0x0e, 0x11, 0x10, 0x17, 0x11, 0x11, 0x0f}},
                                     {'H', {0x11, 0x11, 0x11, 0x1f, 0x11, 0x11, 0x11}},
                                     {'I', {0x0e, 0x04, 0x04, 0x04, 0x04, 0x04, 0x0e}},
                                     {'J', {0x07, 0x02, 0x02, 0x02, 0x02, 0x12, 0x0c}},
                                     {'K', {0x11, 0x12, 0x14, 0x18, 0x14, 0x12, 0x11}},
                                     {'L', {0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x1f}},
                                     {'M', {0x11, 0x1b, 0x15, 0x15, 0x11, 0x11, 0x11}},
                                     {'N', {0x11, 0x11, 0x19, 0x15, 0x13, 0x11, 0x11}},
                                     {'O', {0x0e, 0x11, 0x11, 0x11, 0x11, 0x11, 0x0e}},
                                     {'P', {0x1e, 0x11, 0x11, 0x1e, 0x10, 0x10, 0x10}},
                                     {'Q', {0x0e, 0x11, 0x11, 0x11, 0x15, 0x12, 0x0d}},
                                     {'R', {0x1e, 0x11, 0x11, 0x1e, 0x14, 0x12, 0x11}},
                                     {'S', {0x0f, 0x10, 0x10, 0x0e, 0x01, 0x01, 0x1e}},
                                     {'T', {0x1f, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04}},
                                     {'U', {0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x0e}},
                                     {'V', {0x11, 0x11, 0x11, 0x11, 0x11, 0x0a, 0x04}},
                                     {'W', {0x11, 0x11, 0x11, 0x15, 0x15, 0x1b, 0x11}},
                                     {'X', {0x11, 0x11, 0x0a, 0x04, 0x0a, 0x11, 0x11}},
                                     {'Y', {0x11, 0x11, 0x0a, 0x04, 0x04, 0x04, 0x04}},
                                     {'Z', {0x1f, 0x01, 0x02, 0x04, 0x08, 0x10, 0x1f}},
                                     {'0', {0x0e, 0x11, 0x13, 0x15, 0x19, 0x11, 0x0e}},
                                     {'1', {0x04, 0x0c, 0x04, 0x04, 0x04, 0x04, 0x0e}},
                                     {'2', {0x0e, 0x11, 0x01, 0x02, 0x04, 0x08, 0x1f}},
                                     {'3', {0x0e, 0x11, 0x01, 0x06, 0x01, 0x11, 0x0e}},
                                     {'4', {0x02, 0x06, 0x0a, 0x12, 0x1f, 0x02, 0x02}},
                                     {'5', {0x1f, 0x10, 0x1e, 0x01, 0x01, 0x11, 0x0e}},
                                     {'6', {0x0e, 0x10, 0x10, 0x1e, 0x11, 0x11, 0x0e}},
                                     {'7', {0x1f, 0x01, 0x02, 0x04, 0x04, 0x04, 0x04}},
                                     {'8', {0x0e, 0x11, 0x11, 0x0e, 0x11, 0x11, 0x0e}},
                                     {'9', {0x0e, 0x11, 0x11, 0x0f, 0x01, 0x01, 0x0e}},
                                     {'.', {0x00, 0x00, 0x00, 0x00, 0x00, 0x0c, 0x0c}},
                                     {',', {0x00, 0x00, 0x00, 0x00, 0x0c, 0x04, 0x08}},
                                     {':', {0x00, 0x0c, 0x0c, 0x00, 0x0c, 0x0c, 0x00}},
                                     {'-', {0x00, 0x00, 0x00, 0x0e, 0x00, 0x00, 0x00}},
                                     {'_', {0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x1f}},
                                     {'/', {0x01, 0x01, 0x02, 0x04, 0x08, 0x10, 0x10}},
                                     {'(', {0x02, 0x04, 0x08, 0x08, 0x08, 0x04, 0x02}},
                                     {')', {0x08, 0x04, 0x02, 0x02, 0x02, 0x04, 0x08}},
                                     {'+', {0x00, 0x04, 0x04, 0x1f, 0x04, 0x04, 0x00}}};

MarkGlyph const& mark_glyph(char letter) {
  auto const* const found = std::ranges::find(mark_glyphs, letter, &MarkGlyph::letter);
  return found == std::end(mark_glyphs) ? mark_glyphs[0] : *found;
}

// Capitals; of a character beyond ASCII one byte stays.
std::string mark_letters(std::string_view words) {
  std::string out;
  for (auto const letter : words) {
    auto const byte = static_cast<unsigned char>(letter);
    if ((byte & 0xc0U) == 0x80) continue;
    out += letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
  }
  return out;
}

// Broken between words, and inside one that is longer than a line.
std::vector<std::string> mark_lines(std::string_view words, std::size_t most) {
  std::vector<std::string> out(1);
  for (auto word : split(mark_letters(words), ' ')) {
    if (!out.back().empty() && out.back().size() + 1 + word.size() > most) out.emplace_back();
    if (!out.back().empty()) out.back() += ' ';
    for (; word.size() > most; word.erase(0, most)) {
      out.back() += word.substr(0, most);
      out.emplace_back();
    }
    out.back() += word;
  }
  return out;
}

}  // namespace

Volume with_words_below(Volume const& picture, std::string_view words) {
  constexpr std::int64_t least = 160, margin = 4, usual = 320;
  auto const width = std::max(least, picture.width());
  auto const dot = std::max<std::int64_t>(1, width / usual);
  auto const step = (mark_wide + 1) * dot;
  auto const lines =
      mark_lines(words, static_cast<std::size_t>((width - 2 * margin * dot) / step));
  auto const line_high = (mark_high + 3) * dot;
  auto const strip = static_cast<std::int64_t>(lines.size()) * line_high + margin * dot;
  auto out = image2d(width, picture.height() + strip, picture.type(), picture.channels());
  with_type(picture.type(), [&](auto zero) {
    using T = decltype(zero);
    auto const all = picture.as<T>();
    auto const brightest = all.empty() ? T{} : std::ranges::max(all);
    auto const white =
        sizeof(T) == 1 || brightest == T{} ? std::numeric_limits<T>::max() : brightest;
    for (std::int64_t c = 0; c < picture.channels(); ++c) {
      auto const* const from = picture.channel<T>(c).data();
      auto* const to = out.write_channel<T>(c).data();
      for (std::int64_t y = 0; y < picture.height(); ++y)
        std::copy_n(from + y * picture.width(), picture.width(), to + y * width);
      for (std::size_t n = 0; n < lines.size(); ++n) {
        auto const top =
            picture.height() + margin * dot + static_cast<std::int64_t>(n) * line_high;
        for (std::size_t l = 0; l < lines[n].size(); ++l) {
          auto const& glyph = mark_glyph(lines[n][l]);
          auto const left = margin * dot + static_cast<std::int64_t>(l) * step;
          for (std::int64_t y = 0; y < mark_high * dot; ++y) {
            auto const row = glyph.rows[static_cast<std::size_t>(y / dot)];
            for (std::int64_t x = 0; x < mark_wide * dot; ++x) {
              if ((row >> (mark_wide - 1 - x / dot) & 1) != 0)
                to[(top + y) * width + left + x] = white;
            }
          }
        }
      }
    }
  });
  return out;
}

}  // namespace fovea
