#include "learn/patch/patch_blur.hpp"

#include "base/core/error.hpp"
#include "learn/patch/patch_room.hpp"
#include "learn/patch/voxel_kernels.hpp"

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

constexpr std::size_t blur_most_reach = 3;

// Python's rounding, to an odd number: half to even, then away from there towards the number.
int blur_odd(double value) {
  auto const rounded = static_cast<int>(std::nearbyint(value));
  if (rounded % 2 != 0) return rounded;
  return value - rounded >= 0 ? rounded + 1 : rounded - 1;
}

// 2 1 0 1 2 3 3 … of voxels 0 to count - 1.
std::int64_t blur_mirrored(std::int64_t at, std::int64_t count) {
  if (count == 1) return 0;
  auto const period = 2 * (count - 1);
  at = std::abs(at) % period;
  return at < count ? at : period - at;
}

struct BlurRoom {
  PatchRoom<float> padded;
  PatchRoom<float> plane;
};

// Calls use(line, rows around it) for each line of a plane; rows[reach] is the line itself.
template <class Use>
void blur_lines(
    float const* plane, std::int64_t lines, std::int64_t width, int reach, Use&& use) {
  std::array<float const*, 2 * blur_most_reach + 1> rows{};
  for (std::int64_t line = 0; line < lines; ++line) {
    for (int t = -reach; t <= reach; ++t)
      rows[static_cast<std::size_t>(t + reach)] =
          plane + blur_mirrored(line + t, lines) * width;
    use(line, rows.data());
  }
}

int blur_reach(std::vector<float> const& weights) {
  return static_cast<int>(weights.size()) - 1;
}

// Along i into `plane`, then along j back.
void blur_in_plane(float* voxels,
                   Kji const& size,
                   std::vector<float> const& of_j,
                   std::vector<float> const& of_i,
                   BlurRoom& room) {
  auto const width = size[2];
  auto const plane = room.plane.of(size[1] * width);
  auto const reach = blur_reach(of_i);
  auto const padded = room.padded.of(width + 2 * reach);
  std::array<float const*, 2 * blur_most_reach + 1> shifted{};
  for (int t = 0; t <= 2 * reach; ++t) shifted[static_cast<std::size_t>(t)] = padded.data() + t;
  for (std::int64_t j = 0; j < size[1]; ++j) {
    auto const* const row = voxels + j * width;
    auto* const into = plane.data() + j * width;
    if (reach == 0) {
      std::copy_n(row, width, into);
      continue;
    }
    std::copy_n(row, width, padded.data() + reach);
    for (std::int64_t t = 1; t <= reach; ++t) {
      padded[static_cast<std::size_t>(reach - t)] = row[blur_mirrored(-t, width)];
      padded[static_cast<std::size_t>(reach + width - 1 + t)] =
          row[blur_mirrored(width - 1 + t, width)];
    }
    blur_row(shifted.data(), of_i.data(), reach, into, width);
  }
  if (blur_reach(of_j) == 0) {
    std::copy_n(plane.data(), size[1] * width, voxels);
    return;
  }
  blur_lines(plane.data(), size[1], width, blur_reach(of_j),
             [&](std::int64_t j, float const* const* rows) {
               blur_row(rows, of_j.data(), blur_reach(of_j), voxels + j * width, width);
             });
}

}  // namespace

std::vector<float> blur_weights(double deviation) {
  auto const reach = (std::max(blur_odd(6 * deviation + 0.5), 1) - 1) / 2;
  std::vector<double> weights;
  double sum = 0;
  for (int t = 0; t <= reach; ++t) {
    weights.push_back(std::exp(-0.5 * t * t / (deviation * deviation)));
    sum += weights.back() * (t == 0 ? 1 : 2);
  }
  std::vector<float> out;
  for (auto const weight : weights) out.push_back(static_cast<float>(weight / sum));
  return out;
}

void patch_blur(std::span<float> channel, Kji const& size, std::array<double, 3> deviations) {
  thread_local BlurRoom room;
  std::array<std::vector<float>, 3> weights;
  for (std::size_t d = 0; d < 3; ++d) {
    weights[d] = size[d] == 1 ? std::vector<float>{1} : blur_weights(deviations[d]);
    if (weights[d].size() > blur_most_reach + 1)
      throw Error{Fault::bug, text("a blur of ", deviations[d], " voxels, more than can be"),
                  "please report it"};
  }
  auto const plane = size[1] * size[2];
  for (std::int64_t k = 0; k < size[0]; ++k)
    blur_in_plane(channel.data() + k * plane, size, weights[1], weights[2], room);
  if (blur_reach(weights[0]) == 0) return;
  // Along k, one j at a time: its rows of all k stay in the nearest cache.
  for (std::int64_t j = 0; j < size[1]; ++j) {
    auto const lines = room.plane.of(size[0] * size[2]);
    for (std::int64_t k = 0; k < size[0]; ++k)
      std::copy_n(channel.data() + k * plane + j * size[2], size[2],
                  lines.data() + k * size[2]);
    blur_lines(lines.data(), size[0], size[2], blur_reach(weights[0]),
               [&](std::int64_t k, float const* const* rows) {
                 blur_row(rows, weights[0].data(), blur_reach(weights[0]),
                          channel.data() + k * plane + j * size[2], size[2]);
               });
  }
}

}  // namespace fovea
