#include "learn/transform/gamma.hpp"

#include "learn/transform/kernels.hpp"
#include "learn/transform/picture.hpp"

#include <cmath>

namespace fovea {

Volume Gamma::operator()(Volume const& image, Rng& rng) const {
  expect_picture(image, "gamma");
  auto out = float_copy(image);
  raise_to(out.write<float>(), static_cast<float>(std::exp(rng.uniform(-strength, strength))));
  return out;
}

}  // namespace fovea
