#include "learn/transform/cut_out.hpp"

#include "learn/transform/kernels.hpp"
#include "learn/transform/picture.hpp"

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

struct CutOutStretch {
  std::int64_t start, length;
};

CutOutStretch cut_out_stretch(std::int64_t side, double share, double place) {
  auto const length =
      std::clamp<std::int64_t>(std::llround(share * static_cast<double>(side)), 1, side);
  return {static_cast<std::int64_t>(place * static_cast<double>(side - length + 1)), length};
}

}  // namespace

void CutOut::hide(Volume& image, Rng& rng) const {
  auto const wanted = rng.chance(probability);
  auto const wide = rng.uniform(smallest, largest);
  auto const high = rng.uniform(smallest, largest);
  auto const x = cut_out_stretch(image.width(), wide, rng.uniform());
  auto const y = cut_out_stretch(image.height(), high, rng.uniform());
  if (!wanted) return;
  for (std::int64_t channel = 0; channel < image.channels(); ++channel) {
    auto const pixels = image.write_channel<float>(channel);
    auto const mean = static_cast<float>(mean_of(pixels));
    for (std::int64_t row = y.start; row < y.start + y.length; ++row)
      std::fill_n(pixels.data() + row * image.width() + x.start, x.length, mean);
  }
}

Volume CutOut::operator()(Volume const& image, Rng& rng) const {
  expect_picture(image, "cut-out");
  auto out = float_copy(image);
  hide(out, rng);
  return out;
}

}  // namespace fovea
