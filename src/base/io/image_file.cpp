#include "base/io/image_file.hpp"

#include <algorithm>

namespace fovea {

ImageFile image_of(Volume const& volume) {
  ImageFile image{.volume = volume, .more = {}, .notes = {}};
  if (volume.channels() > 1) image.more = {volume.channels()};
  return image;
}

ImageFile in_lps(ImageFile image) {
  auto const& in = image.volume;
  constexpr std::int64_t components = 3;
  if (image.intent != displacement_intent || image.more.empty() ||
      image.more.back() != components || in.channels() % components != 0)
    return image;
  auto const type = in.type() == Type::f32 ? Type::f32 : Type::f64;
  Volume out{in.grid(), type, in.unit(), in.channels()};
  with_type(in.type(), [&](auto from) {
    using From = decltype(from);
    auto const turn = [&]<class To>(To) {
      for (std::int64_t c = 0; c < in.channels(); ++c) {
        // A component is the slowest of the channels.
        auto const sign = c < 2 * (in.channels() / components) ? To{-1} : To{1};
        std::ranges::transform(in.channel<From>(c), out.write_channel<To>(c).begin(),
                               [=](From value) { return sign * static_cast<To>(value); });
      }
    };
    if (type == Type::f32)
      turn(float{});
    else
      turn(double{});
  });
  image.volume = out;
  image.intent = vector_intent;
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
