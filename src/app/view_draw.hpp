#pragma once

#include "base/image/volume.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace fovea {

/// Red, green, blue.
using ViewColour = std::array<std::uint8_t, 3>;

/// A picture that is drawn on: 8 bits a colour, black at first.
class Canvas {
 public:
  Canvas(std::int64_t width, std::int64_t height)
      : picture_(image2d(width, height, Type::u8, 3)) {}

  /// What lies beyond the edge is left out.
  void put(std::int64_t x, std::int64_t y, ViewColour const& colour);
  /// `opacity` from 0 to 1.
  void blend(std::int64_t x, std::int64_t y, ViewColour const& colour, double opacity);
  void bar(std::int64_t x, std::int64_t y, std::int64_t width, std::int64_t height);
  /// White letters of 5 x 7 dots, each `dot` pixels wide, their middle at (x, y). Known: what a
  /// picture's margin needs, A F H L P R, digits, m and a point; others are left blank.
  void write(std::int64_t x, std::int64_t y, std::string const& words, std::int64_t dot);

  Volume const& picture() const { return picture_; }

 private:
  Volume picture_;
};

/// Labels over a picture at (x, y): filled lightly, outlined fully. In: one slice of i32, 0 is
/// none; the same label gets the same colour in every picture.
void draw_labels(Canvas& canvas, Volume const& labels, std::int64_t x, std::int64_t y);

/// A bar of a round number of mm, at most 2 / 5 of `width` pixels wide, with its length below.
/// Its length, mm.
double draw_scale(
    Canvas& canvas, std::int64_t x, std::int64_t y, std::int64_t width, double mm_of_pixel);

}  // namespace fovea
