#include "learn/transform/blur.hpp"

#include "learn/transform/kernels.hpp"
#include "learn/transform/picture.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace fovea {
namespace {

std::vector<double> blur_weights(double sigma, std::int64_t radius) {
  std::vector<double> weights;
  for (auto n = -radius; n <= radius; ++n)
    weights.push_back(std::exp(-0.5 * static_cast<double>(n * n) / (sigma * sigma)));
  auto const sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (auto& weight : weights) weight /= sum;
  return weights;
}

}  // namespace

double Blur::draw(Rng& rng) const {
  auto const wanted = rng.chance(0.5);
  auto const sigma = rng.uniform(0, strength);
  return wanted ? sigma : 0;
}

Volume Blur::operator()(Volume const& image, Rng& rng) const {
  return blurred(image, draw(rng));
}

Volume blurred(Volume const& image, double sigma) {
  expect_picture(image, "blur");
  if (!(sigma >= 0.01)) return float_copy(image);
  if (sigma > 1000)
    throw Error{Fault::usage, text("expected a sigma of at most 1000 pixels, got ", sigma),
                "resize the picture first"};
  auto out = float_like(image, "blur");
  auto const source = as_float(image);
  auto const radius = static_cast<std::int64_t>(4 * sigma + 0.5);
  auto const weights = blur_weights(sigma, radius);
  auto const width = image.width();
  std::vector<float> row(static_cast<std::size_t>(width + 2 * radius));
  auto* const middle = row.data() + radius;
  for (std::int64_t at = 0; at < image.height() * image.channels(); ++at) {
    auto const y = at % image.height();
    auto const* plane = source.as<float>().data() + (at - y) * width;
    auto* to = out.write<float>().data() + at * width;
    std::ranges::fill(row, 0.0F);
    for (auto n = -radius; n <= radius; ++n)
      add_row(plane + std::clamp<std::int64_t>(y + n, 0, image.height() - 1) * width,
              static_cast<float>(weights[static_cast<std::size_t>(n + radius)]), middle, width);
    std::fill(row.data(), middle, middle[0]);
    std::fill(middle + width, middle + width + radius, middle[width - 1]);
    for (auto n = -radius; n <= radius; ++n)
      add_row(middle + n, static_cast<float>(weights[static_cast<std::size_t>(n + radius)]), to,
              width);
  }
  return out;
}

}  // namespace fovea
