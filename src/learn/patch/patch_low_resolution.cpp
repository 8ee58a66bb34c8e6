#include "learn/patch/patch_low_resolution.hpp"

#include "learn/patch/patch_room.hpp"
#include "learn/patch/voxel_kernels.hpp"
#include "learn/transform/kernels.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace fovea {
namespace {

// One axis down and up again: each voxel is a mix of two coarse ones, which are voxels of the
// fine axis.
struct CoarseAxis {
  std::vector<std::int32_t> picked;  // the fine voxel that each coarse one shows
  std::vector<std::int32_t> low;     // of each fine voxel: the two coarse ones
  std::vector<std::int32_t> high;
  std::vector<float> share;  // of the high one
};

CoarseAxis coarse_axis(std::int64_t size, double zoom) {
  CoarseAxis axis;
  auto const coarse = std::max<std::int64_t>(std::llrint(static_cast<double>(size) * zoom), 1);
  auto const down = static_cast<float>(size) / static_cast<float>(coarse);
  for (std::int64_t n = 0; n < coarse; ++n) {
    auto const at = std::floor((static_cast<float>(n) + 0.5F) * down);
    axis.picked.push_back(
        static_cast<std::int32_t>(std::min(static_cast<std::int64_t>(at), size - 1)));
  }
  auto const up = static_cast<float>(coarse) / static_cast<float>(size);
  for (std::int64_t n = 0; n < size; ++n) {
    auto const at = std::max((static_cast<float>(n) + 0.5F) * up - 0.5F, 0.0F);
    auto const low = std::min(static_cast<std::int64_t>(at), coarse - 1);
    axis.low.push_back(static_cast<std::int32_t>(low));
    axis.high.push_back(static_cast<std::int32_t>(std::min(low + 1, coarse - 1)));
    axis.share.push_back(std::clamp(at - static_cast<float>(low), 0.0F, 1.0F));
  }
  return axis;
}

// How gather_row takes a row: which two voxels, and how much of each.
struct CoarseRow {
  std::vector<std::int32_t> at;
  std::vector<float> weight;

  explicit CoarseRow(CoarseAxis const& axis) {
    for (auto const n : axis.low) at.push_back(axis.picked[static_cast<std::size_t>(n)]);
    for (auto const n : axis.high) at.push_back(axis.picked[static_cast<std::size_t>(n)]);
    for (auto const share : axis.share) weight.push_back(1 - share);
    for (auto const share : axis.share) weight.push_back(share);
  }
};

}  // namespace

void patch_low_resolution(std::span<float> channel,
                          Kji const& size,
                          std::array<double, 3> zoom) {
  thread_local PatchRoom<float> rows_room;
  thread_local PatchRoom<float> planes_room;
  auto const k_axis = coarse_axis(size[0], zoom[0]);
  auto const j_axis = coarse_axis(size[1], zoom[1]);
  auto const i_axis = coarse_axis(size[2], zoom[2]);
  CoarseRow const along_i{i_axis};
  auto const width = size[2];
  auto const plane = size[1] * width;
  auto const coarse_j = std::ssize(j_axis.picked);
  auto const coarse_k = std::ssize(k_axis.picked);
  auto const rows = rows_room.of(coarse_j * width);
  auto const planes = planes_room.of(coarse_k * plane);

  // Of the slices that the coarse image shows: rows mixed along i, then slices along j …
  for (std::int64_t k = 0; k < coarse_k; ++k) {
    auto const* const from =
        channel.data() + k_axis.picked[static_cast<std::size_t>(k)] * plane;
    for (std::int64_t j = 0; j < coarse_j; ++j)
      gather_row(from + j_axis.picked[static_cast<std::size_t>(j)] * width, along_i.at.data(),
                 along_i.weight.data(), 2, rows.data() + j * width, width);
    for (std::int64_t j = 0; j < size[1]; ++j) {
      auto const n = static_cast<std::size_t>(j);
      mix_rows(rows.data() + j_axis.low[n] * width, rows.data() + j_axis.high[n] * width,
               j_axis.share[n], planes.data() + k * plane + j * width, width);
    }
  }
  // … then along k.
  for (std::int64_t k = 0; k < size[0]; ++k) {
    auto const n = static_cast<std::size_t>(k);
    mix_rows(planes.data() + k_axis.low[n] * plane, planes.data() + k_axis.high[n] * plane,
             k_axis.share[n], channel.data() + k * plane, plane);
  }
}

}  // namespace fovea
