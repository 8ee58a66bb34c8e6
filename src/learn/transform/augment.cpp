#include "learn/transform/augment.hpp"

#include "learn/transform/affine.hpp"
#include "learn/transform/blur.hpp"
#include "learn/transform/contrast.hpp"
#include "learn/transform/cut_out.hpp"
#include "learn/transform/flip.hpp"
#include "learn/transform/kernels.hpp"
#include "learn/transform/picture.hpp"

#include <cmath>

namespace fovea {
namespace {

// Mirrors the input before the map reads it.
Map2d augment_mirrored(Map2d map, Volume const& image, bool left_right, bool up_down) {
  if (left_right)
    map = {-map.xx, -map.xy, static_cast<double>(image.width() - 1) - map.x0,
           map.yx,  map.yy,  map.y0};
  if (up_down)
    map = {map.xx,  map.xy,  map.x0,
           -map.yx, -map.yy, static_cast<double>(image.height() - 1) - map.y0};
  return map;
}

Volume augment_moved(Volume const& image, Augment const& how, Rng& rng) {
  auto const left_right = rng.chance(how.flip_left_right);
  auto const up_down = rng.chance(how.flip_up_down);
  PictureAffine const affine{how.rotate, how.scale, how.shift, how.shear};
  auto const map =
      map_of(affine.draw(image.width(), image.height(), rng), image.width(), image.height());
  auto const key = rng.next();
  if (map == Map2d{} && how.elastic <= 0) {
    return left_right || up_down ? flipped(image, left_right, up_down) : float_copy(image);
  }
  auto const mirrored = augment_mirrored(map, image, left_right, up_down);
  if (how.elastic <= 0) return warped(image, mirrored);
  constexpr int cells = 6;
  PictureDisplacement displacement{image.width(), image.height(), how.elastic, cells, key};
  return warped(image, mirrored, &displacement);
}

void augment_shade(Volume& image, Augment const& how, Rng& rng) {
  auto const values = image.write<float>();
  auto const factor = std::exp(rng.uniform(-how.contrast, how.contrast));
  auto const added = rng.uniform(-how.brightness, how.brightness);
  auto const exponent = std::exp(rng.uniform(-how.gamma, how.gamma));
  auto const deviation = rng.uniform(0, how.noise);
  auto const key = rng.next();
  if (how.contrast != 0) stretch(values, factor);
  if (how.brightness != 0) scale_and_add(values, 1, static_cast<float>(added));
  if (how.gamma != 0) raise_to(values, static_cast<float>(exponent));
  if (how.noise != 0) add_normal(values, static_cast<float>(deviation), key);
}

}  // namespace

Volume Augment::operator()(Volume const& image, Rng& rng) const {
  expect_picture(image, "augment");
  auto out = augment_moved(image, *this, rng);
  if (auto const sigma = Blur{blur}.draw(rng); sigma > 0) out = blurred(out, sigma);
  augment_shade(out, *this, rng);
  CutOut{.probability = cut_out}.hide(out, rng);
  return out;
}

}  // namespace fovea
