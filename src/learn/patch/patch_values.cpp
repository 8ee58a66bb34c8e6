#include "learn/patch/patch_values.hpp"

#include "learn/patch/voxel_kernels.hpp"
#include "learn/transform/kernels.hpp"

#include <algorithm>
#include <limits>

namespace fovea {
namespace {

// A range or deviation below it counts as this, so that nothing is divided by nothing.
constexpr double values_least_range = 1e-7;
// So many values at once stay in the nearest cache while several loops run over them.
constexpr std::size_t values_block = 4096;

}  // namespace

void patch_noise(std::span<float> channel, double deviation, std::uint64_t key) {
  add_normal(channel, static_cast<float>(deviation), key);
}

void patch_brightness(std::span<float> channel, double factor) {
  scale_and_add(channel, static_cast<float>(factor), 0);
}

void patch_contrast(std::span<float> channel, double factor) {
  auto const facts = facts_of(channel);
  scale_and_clamp(channel, static_cast<float>(factor),
                  static_cast<float>(facts.mean * (1 - factor)), facts.least, facts.most);
}

void patch_gamma(std::span<float> channel, double exponent, bool inverted) {
  auto const before = facts_of(channel);
  auto const range = static_cast<double>(before.most) - static_cast<double>(before.least);
  auto const divisor = std::max(range, values_least_range);
  // From 0 to 1, from whichever end the power begins.
  auto const factor = static_cast<float>((inverted ? -1 : 1) / divisor);
  auto const offset =
      static_cast<float>(inverted ? static_cast<double>(before.most) / divisor
                                  : -static_cast<double>(before.least) / divisor);
  for (std::size_t at = 0; at < channel.size(); at += values_block) {
    auto const block = channel.subspan(at, std::min(values_block, channel.size() - at));
    scale_and_clamp(block, factor, offset, 0, 1);
    raise_to(block, static_cast<float>(exponent));
  }
  // Any straight line of the powers would do: mean and deviation become what they were.
  auto const after = facts_of(channel);
  auto const spread = (inverted ? -1 : 1) * before.deviation /
                      std::max(after.deviation * range, values_least_range) * range;
  scale_and_add(channel, static_cast<float>(spread),
                static_cast<float>(before.mean - after.mean * spread));
}

}  // namespace fovea
