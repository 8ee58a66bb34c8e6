#include "learn/transform/noise.hpp"

#include "learn/transform/kernels.hpp"
#include "learn/transform/picture.hpp"

namespace fovea {

Volume Noise::operator()(Volume const& image, Rng& rng) const {
  expect_picture(image, "noise");
  auto out = float_copy(image);
  auto const deviation = rng.uniform(0, strength);
  add_normal(out.write<float>(), static_cast<float>(deviation), rng.next());
  return out;
}

}  // namespace fovea
