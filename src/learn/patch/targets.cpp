#include "learn/patch/targets.hpp"

#include "base/core/error.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace fovea {
namespace {

void targets_expect(bool holds) {
  if (!holds) throw Error{Fault::bug, "targets without room for them", "please report it"};
}

std::vector<std::int64_t> targets_picked(std::int64_t size, std::int64_t coarse) {
  auto const scale = static_cast<float>(size) / static_cast<float>(coarse);
  std::vector<std::int64_t> picked;
  for (std::int64_t n = 0; n < coarse; ++n) {
    auto const at = std::floor((static_cast<float>(n) + 0.5F) * scale);
    picked.push_back(std::min(static_cast<std::int64_t>(at), size - 1));
  }
  return picked;
}

}  // namespace

void regions_of(std::span<std::int16_t const> labels,
                std::span<LabelSet const> regions,
                std::span<std::uint8_t> out) {
  targets_expect(out.size() == labels.size() * regions.size());
  for (std::size_t n = 0; n < regions.size(); ++n) {
    auto const region = out.subspan(n * labels.size(), labels.size());
    std::ranges::fill(region, std::uint8_t{0});
    for (auto const label : regions[n])
      for (std::size_t at = 0; at < labels.size(); ++at)
        region[at] |= static_cast<std::uint8_t>(labels[at] == label);
  }
}

void nearest_labels(std::span<std::int16_t const> labels,
                    Kji const& size,
                    Kji const& coarse,
                    std::span<std::int16_t> out) {
  targets_expect(std::ssize(labels) == voxels_of(size) && std::ssize(out) == voxels_of(coarse));
  auto const along_i = targets_picked(size[2], coarse[2]);
  auto* to = out.data();
  for (auto const k : targets_picked(size[0], coarse[0]))
    for (auto const j : targets_picked(size[1], coarse[1]))
      for (auto const i : along_i)
        *to++ = labels[static_cast<std::size_t>((k * size[1] + j) * size[2] + i)];
}

}  // namespace fovea
