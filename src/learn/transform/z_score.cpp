#include "learn/transform/z_score.hpp"

#include "learn/transform/kernels.hpp"
#include "learn/transform/moments.hpp"
#include "learn/transform/picture.hpp"

namespace fovea {

Volume ZScore::operator()(Volume const& image) const {
  expect_picture(image, "z-score");
  auto out = float_copy(image);
  for (std::int64_t channel = 0; channel < out.channels(); ++channel) {
    auto const values = out.write_channel<float>(channel);
    Moments moments;
    moments.add(values);
    auto const factor = moments.deviation() > 0 ? 1 / moments.deviation() : 0;
    scale_and_add(values, static_cast<float>(factor),
                  static_cast<float>(-moments.mean * factor));
  }
  return out;
}

}  // namespace fovea
