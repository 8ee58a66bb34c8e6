#include "learn/transform/colour.hpp"

#include "learn/transform/kernels.hpp"
#include "learn/transform/picture.hpp"

#include <algorithm>

namespace fovea {
namespace {

void colour_expect(Volume const& image, std::string_view who) {
  expect_picture(image, who);
  if (image.channels() != 1 && image.channels() != 3)
    throw Error{Fault::input, text(who, " expected 1 or 3 channels, got ", image.channels()),
                "drop alpha and other channels first"};
}

}  // namespace

Volume Grey::operator()(Volume const& image) const {
  colour_expect(image, "grey");
  if (image.channels() == 1) return float_copy(image);
  auto const source = as_float(image);
  Volume out{image.grid(), Type::f32, image.unit(), 1};
  for (std::int64_t channel = 0; channel < 3; ++channel)
    add_row(source.channel<float>(channel).data(), rec601[static_cast<std::size_t>(channel)],
            out.write<float>().data(), out.voxels());
  return out;
}

Volume Colour::operator()(Volume const& image) const {
  colour_expect(image, "colour");
  if (image.channels() == 3) return float_copy(image);
  auto const source = as_float(image);
  Volume out{image.grid(), Type::f32, image.unit(), 3};
  for (std::int64_t channel = 0; channel < 3; ++channel)
    std::ranges::copy(source.as<float>(), out.write_channel<float>(channel).begin());
  return out;
}

}  // namespace fovea
