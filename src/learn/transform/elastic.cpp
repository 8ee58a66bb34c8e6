#include "learn/transform/elastic.hpp"

namespace fovea {

Volume Elastic::operator()(Volume const& image, Rng& rng) const {
  PictureDisplacement displacement{image.width(), image.height(), deviation, cells, rng.next()};
  return warped(image, {}, &displacement);
}

}  // namespace fovea
