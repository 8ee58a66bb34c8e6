// A slice of a CT-like phantom, through a soft-tissue window, as a picture: slice.png.
#include "base/core/error.hpp"
#include "base/io/picture.hpp"
#include "learn/transform/resize.hpp"
#include "learn/transform/window.hpp"

#include <iostream>

int main() try {
  using namespace fovea;
  Volume const ct = phantom(upright({64, 64, 1}, Spacing{{4, 4, 5}}));
  Window const soft_tissue{.low = -160, .high = 240};  // HU
  Volume const seen = soft_tissue(Resize{.width = 256, .height = 256}(ct));

  Volume picture = image2d(seen.width(), seen.height(), Type::u8);
  auto const grey = picture.write<std::uint8_t>();
  for (std::size_t i = 0; i < grey.size(); ++i) {
    grey[i] = static_cast<std::uint8_t>(255 * seen.as<float>()[i]);
  }
  write_png("slice.png", picture);
  std::cout << text("slice.png: ", picture.width(), " x ", picture.height(), " pixels\n");
} catch (fovea::Error const& error) {
  std::cerr << error.what() << '\n';
  return static_cast<int>(error.fault());
}
