#include "learn/transform/picture.hpp"

#include <algorithm>

namespace fovea {

void expect_picture(Volume const& image, std::string_view who) {
  if (image.depth() != 1)
    throw Error{Fault::input,
                text(who, " expected a 2-D picture, got ", image.depth(), " slices"),
                "pass one slice at a time"};
}

Volume float_copy(Volume const& image) {
  if (image.type() != Type::f32) return as_float(image);
  Volume out{image.grid(), Type::f32, image.unit(), image.channels()};
  std::ranges::copy(image.as<float>(), out.write<float>().begin());
  return out;
}

Volume float_like(Volume const& image, std::string_view who) {
  expect_picture(image, who);
  return Volume{image.grid(), Type::f32, image.unit(), image.channels()};
}

}  // namespace fovea
