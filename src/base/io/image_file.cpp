#include "base/io/image_file.hpp"

namespace fovea {

ImageFile image_of(Volume const& volume) {
  ImageFile image{.volume = volume, .more = {}, .notes = {}};
  if (volume.channels() > 1) image.more = {volume.channels()};
  return image;
}

}  // namespace fovea
