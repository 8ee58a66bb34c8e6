#include "learn/transform/window.hpp"

#include "learn/transform/kernels.hpp"
#include "learn/transform/picture.hpp"

#include <algorithm>

namespace fovea {

Volume Window::operator()(Volume const& image) const {
  expect_picture(image, "window");
  if (!(low < high))
    throw Error{Fault::usage, text("expected low < high, got ", low, " and ", high),
                "swap them, or estimate them from images that are not constant"};
  auto const source = as_float(image);
  Volume out{image.grid(), Type::f32, Unit::one, image.channels()};
  std::ranges::copy(source.as<float>(), out.write<float>().begin());
  auto const factor = 1 / (high - low);
  auto const values = out.write<float>();
  scale_and_add(values, static_cast<float>(factor), static_cast<float>(-low * factor));
  for (auto& value : values) value = std::clamp(value, 0.0F, 1.0F);
  return out;
}

}  // namespace fovea
