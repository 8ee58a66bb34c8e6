#include "app/view_draw.hpp"

#include "base/core/words.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace fovea {
namespace {

struct ViewGlyph {
  char letter;
  std::array<std::string_view, 7> rows;
};

constexpr ViewGlyph view_glyphs[] = {
    {'A', {" ### ", "#   #", "#   #", "#####", "#   #", "#   #", "#   #"}},
    {'F', {"#####", "#    ", "#    ", "#### ", "#    ", "#    ", "#    "}},
    {'H', {"#   #", "#   #", "#   #", "#####", "#   #", "#   #", "#   #"}},
    {'L', {"#    ", "#    ", "#    ", "#    ", "#    ", "#    ", "#####"}},
    {'P', {"#### ", "#   #", "#   #", "#### ", "#    ", "#    ", "#    "}},
    {'R', {"#### ", "#   #", "#   #", "#### ", "# #  ", "#  # ", "#   #"}},
    {'0', {" ### ", "#   #", "#  ##", "# # #", "##  #", "#   #", " ### "}},
    {'1', {"  #  ", " ##  ", "  #  ", "  #  ", "  #  ", "  #  ", " ### "}},
    {'2', {" ### ", "#   #", "    #", "   # ", "  #  ", " #   ", "#####"}},
    {'3', {" ### ", "#   #", "    #", "  ## ", "    #", "#   #", " ### "}},
    {'4', {"   # ", "  ## ", " # # ", "#  # ", "#####", "   # ", "   # "}},
    {'5', {"#####", "#    ", "#### ", "    #", "    #", "#   #", " ### "}},
    {'6', {" ### ", "#    ", "#    ", "#### ", "#   #", "#   #", " ### "}},
    {'7', {"#####", "    #", "   # ", "  #  ", "  #  ", "  #  ", "  #  "}},
    {'8', {" ### ", "#   #", "#   #", " ### ", "#   #", "#   #", " ### "}},
    {'9', {" ### ", "#   #", "#   #", " ####", "    #", "    #", " ### "}},
    {'m', {"     ", "     ", "## # ", "# # #", "# # #", "# # #", "# # #"}},
    {'.', {"     ", "     ", "     ", "     ", "     ", " ##  ", " ##  "}}};

constexpr ViewColour view_white{255, 255, 255};

// Far apart in hue and lightness, also for most of the colour-blind; the first eight are those
// of Okabe and Ito (2008), black left out.
constexpr ViewColour view_colours[] = {{230, 159, 0},  {86, 180, 233},  {0, 158, 115},
                                       {240, 228, 66}, {213, 94, 0},    {204, 121, 167},
                                       {0, 114, 178},  {170, 68, 153},  {153, 221, 255},
                                       {187, 204, 51}, {255, 170, 187}, {119, 170, 119}};

ViewColour view_colour_of(std::int32_t label) {
  return view_colours[static_cast<std::size_t>(label - 1) % std::size(view_colours)];
}

}  // namespace

void Canvas::put(std::int64_t x, std::int64_t y, ViewColour const& colour) {
  blend(x, y, colour, 1);
}

void Canvas::blend(std::int64_t x, std::int64_t y, ViewColour const& colour, double opacity) {
  if (x < 0 || y < 0 || x >= picture_.width() || y >= picture_.height()) return;
  auto const at = static_cast<std::size_t>(y * picture_.width() + x);
  for (std::size_t c = 0; c < 3; ++c) {
    auto& to = picture_.write_channel<std::uint8_t>(static_cast<std::int64_t>(c))[at];
    to = static_cast<std::uint8_t>(std::lround((1 - opacity) * static_cast<double>(to) +
                                               opacity * static_cast<double>(colour[c])));
  }
}

void Canvas::bar(std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height) {
  for (auto row = y; row < y + height; ++row) {
    for (auto column = x; column < x + width; ++column) put(column, row, view_white);
  }
}

void Canvas::write(std::int64_t x, std::int64_t y, std::string const& words, std::int64_t dot) {
  constexpr std::int64_t wide = 5;
  constexpr std::int64_t high = 7;
  auto const count = static_cast<std::int64_t>(words.size());
  auto left = x - (count * (wide + 1) - 1) * dot / 2;
  auto const top = y - high * dot / 2;
  for (auto const letter : words) {
    auto const* const glyph = std::ranges::find(view_glyphs, letter, &ViewGlyph::letter);
    for (std::int64_t row = 0; row < high && glyph != std::end(view_glyphs); ++row) {
      for (std::int64_t column = 0; column < wide; ++column) {
        if (glyph->rows[static_cast<std::size_t>(row)][static_cast<std::size_t>(column)] == '#')
          bar(left + column * dot, top + row * dot, dot, dot);
      }
    }
    left += (wide + 1) * dot;
  }
}

void draw_labels(Canvas& canvas, Volume const& labels, std::int64_t x, std::int64_t y) {
  constexpr double fill = 0.35;
  auto const voxels = labels.as<std::int32_t>();
  auto const width = labels.width();
  auto const height = labels.height();
  auto const label_at = [&](std::int64_t i, std::int64_t j) {
    auto const inside = i >= 0 && j >= 0 && i < width && j < height;
    return inside ? voxels[static_cast<std::size_t>(j * width + i)] : 0;
  };
  for (std::int64_t j = 0; j < height; ++j) {
    for (std::int64_t i = 0; i < width; ++i) {
      auto const label = label_at(i, j);
      if (label < 1) continue;
      auto const outline = label_at(i - 1, j) != label || label_at(i + 1, j) != label ||
                           label_at(i, j - 1) != label || label_at(i, j + 1) != label;
      canvas.blend(x + i, y + j, view_colour_of(label), outline ? 1 : fill);
    }
  }
}

double draw_scale(
    Canvas& canvas, std::int64_t x, std::int64_t y, std::int64_t width, double mm_of_pixel) {
  auto const most = 0.4 * static_cast<double>(width) * mm_of_pixel;
  auto const ten = std::pow(10, std::floor(std::log10(most)));
  auto const mm = most >= 5 * ten ? 5 * ten : most >= 2 * ten ? 2 * ten : ten;
  auto const pixels = static_cast<std::int64_t>(std::lround(mm / mm_of_pixel));
  constexpr std::int64_t thick = 3;
  canvas.bar(x, y, pixels, thick);
  canvas.bar(x, y - thick, 1, 3 * thick);
  canvas.bar(x + pixels - 1, y - thick, 1, 3 * thick);
  constexpr std::int64_t below = 14;
  auto const words = spelled(mm) + " mm";
  // Beside the bar's left end if it is shorter than its words.
  auto const half = static_cast<std::int64_t>(words.size()) * 6;
  canvas.write(std::max(x + pixels / 2, x + half), y + below, words, 2);
  return mm;
}

}  // namespace fovea
