#include "base/io/dicom_turns.hpp"

#include "base/core/words.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <string>
#include <utility>

namespace fovea {
namespace {

// Images with the lines of their turns.
struct TurnsImage {
  DicomSlice const* slice = nullptr;
  std::vector<std::string> lines;
  std::size_t place = 0;  // counted along the normal
};
using TurnsPart = std::vector<TurnsImage const*>;
using TurnsParts = std::vector<TurnsPart>;

bool turns_same_place(DicomSlice const& a, DicomSlice const& b) {
  constexpr double least = 1e-3;
  double square = 0;
  for (std::size_t r = 0; r < 3; ++r)
    square += std::pow((*a.position)[r] - (*b.position)[r], 2);
  return square <= least * least;
}

bool turns_doubled(TurnsPart const& part) {
  return std::ranges::adjacent_find(part, {}, &TurnsImage::place) != part.end();
}

std::string turns_line(TurnsImage const& image, std::size_t line) {
  return line < image.lines.size() ? image.lines[line] : std::string{};
}

// Several parts, each with as many images at the same places.
bool turns_even(TurnsParts const& parts) {
  return parts.size() > 1 && std::ranges::all_of(parts, [&](TurnsPart const& part) {
           return std::ranges::equal(part, parts.front(), {}, &TurnsImage::place,
                                     &TurnsImage::place);
         });
}

TurnsParts turns_by_value(TurnsPart const& images, std::size_t line) {
  std::map<std::string, TurnsPart> parts;
  for (auto const* image : images) parts[turns_line(*image, line)].push_back(image);
  TurnsParts out;
  for (auto& [value, part] : parts) out.push_back(std::move(part));
  return out;
}

// The n-th of each place, where all of a place differ in their time.
TurnsParts turns_by_order(TurnsPart const& images, std::size_t line) {
  std::map<std::size_t, std::map<double, TurnsImage const*>> places;
  for (auto const* image : images) {
    auto const words = turns_line(*image, line);
    auto const time = words.starts_with('t') ? number(words.substr(1)) : std::nullopt;
    if (!time || !places[image->place].emplace(*time, image).second) return {};
  }
  TurnsParts out(places.begin()->second.size());
  for (auto const& [place, times] : places) {
    if (times.size() != out.size()) return {};
    std::size_t turn = 0;
    for (auto const& [time, image] : times) out[turn++].push_back(image);
  }
  return out;
}

constexpr std::size_t turns_lines = 64;

TurnsParts turns_parted(TurnsPart const& images, std::size_t from, std::size_t lines) {
  for (auto line = from; line < lines; ++line) {
    auto parts = turns_by_value(images, line);
    if (!turns_even(parts)) parts = turns_by_order(images, line);
    if (!turns_even(parts)) continue;
    if (std::ranges::none_of(parts, turns_doubled)) return parts;
    TurnsParts out;
    for (auto const& part : parts) {
      auto inner = turns_parted(part, line + 1, lines);
      if (inner.empty()) break;
      std::ranges::move(inner, std::back_inserter(out));
    }
    if (turns_even(out) && out.size() * out.front().size() == images.size()) return out;
  }
  return {};
}

}  // namespace

std::vector<std::vector<DicomSlice>> turns_of(std::vector<DicomSlice> const& sorted) {
  std::vector<TurnsImage> images;
  std::size_t lines = 0;
  for (auto const& slice : sorted) {
    auto const next =
        !images.empty() && !turns_same_place(*images.back().slice, slice) ? 1U : 0U;
    auto const place = images.empty() ? 0 : images.back().place + next;
    images.push_back(
        {&slice, slice.turn ? split(*slice.turn, '\n') : std::vector<std::string>{}, place});
    lines = std::max(lines, std::min(turns_lines, images.back().lines.size()));
  }
  TurnsPart all;
  for (auto const& image : images) all.push_back(&image);
  std::vector<std::vector<DicomSlice>> out;
  for (auto const& part : turns_parted(all, 0, lines)) {
    auto& slices = out.emplace_back();
    for (auto const* image : part) slices.push_back(*image->slice);
  }
  return out;
}

}  // namespace fovea
