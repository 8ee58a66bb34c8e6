#include "learn/transform/affine.hpp"

#include <cmath>

namespace fovea {

Motion PictureAffine::draw(std::int64_t width, std::int64_t height, Rng& rng) const {
  Motion motion;
  motion.degrees = rng.uniform(-rotate, rotate);
  motion.scale = std::exp(rng.uniform(-scale, scale));
  motion.right = rng.uniform(-shift, shift) * static_cast<double>(width);
  motion.down = rng.uniform(-shift, shift) * static_cast<double>(height);
  motion.shear = rng.uniform(-shear, shear);
  return motion;
}

Volume PictureAffine::operator()(Volume const& image, Rng& rng) const {
  return warped(
      image, map_of(draw(image.width(), image.height(), rng), image.width(), image.height()));
}

}  // namespace fovea
