#include "learn/recipe/normalise.hpp"

#include "base/core/error.hpp"

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

constexpr double normalise_least = 1e-8;  // of a divisor

// In a few sums side by side, so that the processor need not wait for each addition.
template <class TermOf>
double normalise_sum(std::size_t count, TermOf const& term) {
  constexpr std::size_t lanes = 8;
  double sums[lanes] = {};
  std::size_t n = 0;
  for (; n + lanes <= count; n += lanes) {
    for (std::size_t lane = 0; lane < lanes; ++lane) sums[lane] += term(n + lane);
  }
  for (; n < count; ++n) sums[0] += term(n);
  double out = 0;
  for (auto const sum : sums) out += sum;
  return out;
}

void normalise_scale(std::span<float> voxels, double mean, double deviation) {
  auto const minus = static_cast<float>(mean);
  auto const over = static_cast<float>(std::max(deviation, normalise_least));
  for (auto& voxel : voxels) voxel = (voxel - minus) / over;
}

void normalise_z_score(std::span<float> voxels, std::span<std::uint8_t const> mask) {
  auto const size = voxels.size();
  if (mask.empty()) {
    auto const count = static_cast<double>(size);
    auto const mean = normalise_sum(size, [&](std::size_t n) { return voxels[n]; }) / count;
    auto const squares = normalise_sum(size, [&](std::size_t n) {
      auto const off = voxels[n] - mean;
      return off * off;
    });
    return normalise_scale(voxels, mean, std::sqrt(squares / count));
  }
  auto const count = normalise_sum(size, [&](std::size_t n) { return double(mask[n]); });
  if (count == 0) return;
  auto const mean =
      normalise_sum(size, [&](std::size_t n) { return voxels[n] * double(mask[n]); }) / count;
  auto const squares = normalise_sum(size, [&](std::size_t n) {
    auto const off = (voxels[n] - mean) * mask[n];
    return off * off;
  });
  auto const minus = static_cast<float>(mean);
  auto const over = static_cast<float>(std::max(std::sqrt(squares / count), normalise_least));
  for (std::size_t n = 0; n < size; ++n)
    voxels[n] = mask[n] != 0 ? (voxels[n] - minus) / over : voxels[n];
}

}  // namespace

void normalise(std::span<float> voxels,
               std::span<std::uint8_t const> mask,
               Normalisation how,
               IntensityStatistics const& statistics) {
  auto const range = [&] { return std::minmax_element(voxels.begin(), voxels.end()); };
  switch (how) {
    case Normalisation::none:
      return;
    case Normalisation::z_score:
      return normalise_z_score(voxels, mask);
    case Normalisation::ct: {
      auto const low = static_cast<float>(statistics.lower);
      auto const high = static_cast<float>(statistics.upper);
      for (auto& voxel : voxels) voxel = std::min(std::max(voxel, low), high);
      return normalise_scale(voxels, statistics.mean, statistics.deviation);
    }
    case Normalisation::zero_one: {
      auto const [low, high] = range();
      auto const width = static_cast<double>(*high - *low);
      return normalise_scale(voxels, *low, width);
    }
    case Normalisation::rgb:
      break;
  }
  auto const [low, high] = range();
  if (*low < 0 || *high > 255)
    throw Error{
        Fault::input,
        text("expected a colour picture's values 0 ... 255, got ", *low, " ... ", *high),
        "plan with another normalisation for this channel"};
  for (auto& voxel : voxels) voxel /= 255.0f;
}

}  // namespace fovea
