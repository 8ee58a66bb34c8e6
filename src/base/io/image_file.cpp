#include "base/io/image_file.hpp"

namespace fovea {

ImageFile image_of(Volume const& volume) {
  ImageFile image{.volume = volume, .more = {}, .notes = {}};
  if (volume.channels() > 1) image.more = {volume.channels()};
  return image;
}

ImageHead head_of(ImageFile const& image) {
  return {.grid = image.volume.grid(),
          .type = image.volume.type(),
          .channels = image.volume.channels(),
          .space = image.space,
          .measured = image.measured,
          .notes = image.notes};
}

}  // namespace fovea
