#include "learn/transform/brightness.hpp"

#include "learn/transform/kernels.hpp"
#include "learn/transform/picture.hpp"

namespace fovea {

Volume Brightness::operator()(Volume const& image, Rng& rng) const {
  expect_picture(image, "brightness");
  auto out = float_copy(image);
  scale_and_add(out.write<float>(), 1, static_cast<float>(rng.uniform(-strength, strength)));
  return out;
}

}  // namespace fovea
