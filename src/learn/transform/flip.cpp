#include "learn/transform/flip.hpp"

#include "learn/transform/picture.hpp"

#include <algorithm>

namespace fovea {

Volume Flip::operator()(Volume const& image, Rng& rng) const {
  auto const across = rng.chance(left_right);
  auto const down = rng.chance(up_down);
  return flipped(image, across, down);
}

Volume flipped(Volume const& image, bool left_right, bool up_down) {
  auto out = float_like(image, "flip");
  auto const source = as_float(image);
  auto const width = image.width();
  auto const rows = image.height() * image.channels();
  auto const* from = source.as<float>().data();
  auto* to = out.write<float>().data();
  for (std::int64_t row = 0; row < rows; ++row) {
    auto const y = row % image.height();
    auto const target = up_down ? row - y + image.height() - 1 - y : row;
    auto const* line = from + row * width;
    if (left_right)
      std::reverse_copy(line, line + width, to + target * width);
    else
      std::copy(line, line + width, to + target * width);
  }
  return out;
}

}  // namespace fovea
