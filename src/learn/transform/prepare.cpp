#include "learn/transform/prepare.hpp"

#include "learn/transform/colour.hpp"
#include "learn/transform/kernels.hpp"
#include "learn/transform/picture.hpp"
#include "learn/transform/resize.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace fovea {
namespace {

// Which input channels make each output channel.
std::vector<std::vector<Share>> prepare_shares(std::int64_t from, std::int64_t to) {
  if (from == 3 && to == 1) return {{{0, rec601[0]}, {1, rec601[1]}, {2, rec601[2]}}};
  std::vector<std::vector<Share>> shares;
  for (std::int64_t channel = 0; channel < to; ++channel)
    shares.push_back({{from == 1 ? 0 : channel, 1}});
  return shares;
}

}  // namespace

Volume Prepare::operator()(Volume const& picture) const {
  expect_picture(picture, "prepare");
  if (low == high || width < 1 || height < 1 || channels < 1)
    throw Error{Fault::usage,
                text("expected a size and a range of values, got ", width, " x ", height, " x ",
                     channels, " and ", low, " to ", high),
                "estimate the range from images that are not constant"};
  auto const given = picture.channels();
  if (given != channels && given != 1 && !(given == 3 && channels == 1))
    throw Error{Fault::input,
                text("expected a picture of ", channels, " channels, got ", given),
                "convert it to grey or colour"};
  Volume out{resized(picture.grid(), width, height), Type::f32, Unit::one, channels};
  auto const across = taps_of(picture.width(), width, Interpolation::area);
  auto const down = taps_of(picture.height(), height, Interpolation::area);
  auto const shares = prepare_shares(given, channels);
  for (std::int64_t channel = 0; channel < channels; ++channel) {
    auto const to = out.write_channel<float>(channel);
    if (given == 1 && channel > 0) {
      std::ranges::copy(out.channel<float>(0), to.begin());
      continue;
    }
    resize_into(picture, shares[static_cast<std::size_t>(channel)], across, down, to.data());
    auto const factor = 1 / (high - low);
    scale_and_add(to, static_cast<float>(factor), static_cast<float>(-low * factor));
  }
  return out;
}

Volume Prepare::normalise(Volume const& image) const {
  Volume out{image.grid(), Type::f32, Unit::arbitrary, image.channels()};
  normalise(image, out.write<float>());
  return out;
}

void Prepare::normalise(Volume const& image, std::span<float> into) const {
  if (!(deviation > 0))
    throw Error{Fault::usage, text("expected a deviation above 0, got ", deviation),
                "estimate it from images that are not constant"};
  auto const from = image.as<float>();
  if (from.size() != into.size())
    throw Error{Fault::bug,
                text("expected room for ", from.size(), " values, got ", into.size()),
                "pass a row as long as the image"};
  std::ranges::copy(from, into.begin());
  scale_and_add(into, static_cast<float>(1 / deviation), static_cast<float>(-mean / deviation));
}

}  // namespace fovea
