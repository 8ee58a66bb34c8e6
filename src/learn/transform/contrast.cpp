#include "learn/transform/contrast.hpp"

#include "learn/transform/kernels.hpp"
#include "learn/transform/picture.hpp"

#include <cmath>

namespace fovea {

Volume Contrast::operator()(Volume const& image, Rng& rng) const {
  expect_picture(image, "contrast");
  auto out = float_copy(image);
  stretch(out.write<float>(), std::exp(rng.uniform(-strength, strength)));
  return out;
}

void stretch(std::span<float> values, double factor) {
  scale_and_add(values, static_cast<float>(factor),
                static_cast<float>(mean_of(values) * (1 - factor)));
}

}  // namespace fovea
