#include "base/dicom/window.hpp"

#include "base/core/error.hpp"
#include "base/core/refusal.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace fovea {
namespace {

std::optional<WindowFunction> window_function(std::string const& name) {
  if (name.empty() || name == "LINEAR") return WindowFunction::linear;
  if (name == "LINEAR_EXACT") return WindowFunction::linear_exact;
  if (name == "SIGMOID") return WindowFunction::sigmoid;
  return std::nullopt;
}

std::string window_name(std::vector<std::string> const& names, std::size_t at) {
  return at < names.size() ? names[at] : std::string{};
}

std::vector<Display> window_windows(DicomItem const& image) {
  auto const centres = image.numbers(Tag::window_centre);
  auto const widths = image.numbers(Tag::window_width);
  auto const function = window_function(image.text(Tag::window_function));
  if (!centres || !widths || !function || centres->size() != widths->size()) return {};
  auto const names = image.texts(Tag::window_words);
  auto const least =
      *function == WindowFunction::linear ? 1.0 : std::numeric_limits<double>::min();
  std::vector<Display> out;
  for (std::size_t i = 0; i < centres->size(); ++i) {
    if ((*widths)[i] < least) continue;
    out.push_back({.window = DisplayWindow{(*centres)[i], (*widths)[i], *function},
                   .words = window_name(names, i)});
  }
  return out;
}

// Whether what is looked up may be below 0: a modality's table gives no signs.
bool window_negative(DicomItem const& image) {
  if (!image.items(Tag::modality_table).empty()) return false;
  return image.whole(Tag::signedness) == 1 || image.number(Tag::intercept).value_or(0) < 0;
}

std::vector<Display> window_tables(DicomItem const& image) {
  std::vector<Display> out;
  for (auto const& item : image.items(Tag::voi_table)) {
    try {
      out.push_back({.table = lookup_table(item, window_negative(image)),
                     .words = item.text(Tag::table_words)});
    } catch (Refusal const&) {
      // Of no use to anybody; what the values are does not hang on it.
    }
  }
  return out;
}

}  // namespace

double DisplayWindow::operator()(double value) const {
  auto const away = value - centre;
  if (function == WindowFunction::sigmoid) return 1 / (1 + std::exp(-4 * away / width));
  // Of a linear window of width 1 nothing is left between dark and bright.
  auto const exact = function == WindowFunction::linear_exact;
  auto const from = exact ? away : away + 0.5;
  auto const span = exact ? width : width - 1;
  if (from <= -span / 2) return 0;
  return from > span / 2 ? 1 : from / span + 0.5;
}

double Display::operator()(double value) const {
  auto shade = std::numeric_limits<double>::quiet_NaN();
  if (window)
    shade = (*window)(value);
  else if (table)
    shade = table->at(std::floor(value)) / (std::exp2(table->bits) - 1);
  return inverted ? 1 - shade : shade;
}

std::vector<Display> displays_of(DicomItem const& image) {
  auto const kind = image.text(Tag::photometric);
  if (kind != "MONOCHROME1" && kind != "MONOCHROME2") return {};
  auto out = window_windows(image);
  for (auto& table : window_tables(image)) out.push_back(std::move(table));
  auto const inverted =
      kind == "MONOCHROME1" || image.text(Tag::presentation_shape) == "INVERSE";
  for (auto& one : out) one.inverted = inverted;
  return out;
}

}  // namespace fovea
