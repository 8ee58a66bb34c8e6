#include "learn/patch/patch_mirror.hpp"

#include "learn/patch/patch_room.hpp"
#include "learn/patch/voxel_kernels.hpp"

#include <algorithm>

namespace fovea {
namespace {

// Rows change places with those that they become, in one pass.
template <class T>
void mirror_rows(std::span<T> voxels, Kji const& size, std::array<bool, 3> const& axes) {
  thread_local PatchRoom<T> room;
  auto const width = size[2];
  auto const rows = size[0] * size[1];
  auto const kept = room.of(width);
  auto const partner = [&](std::int64_t row) {
    auto const k = row / size[1];
    auto const j = row % size[1];
    return (axes[0] ? size[0] - 1 - k : k) * size[1] + (axes[1] ? size[1] - 1 - j : j);
  };
  for (std::int64_t row = 0; row < rows; ++row) {
    auto const other = partner(row);
    if (other < row) continue;
    auto* const a = voxels.data() + row * width;
    auto* const b = voxels.data() + other * width;
    if (!axes[2]) {
      if (a != b) std::swap_ranges(a, a + width, b);
      continue;
    }
    std::copy_n(a, width, kept.data());
    if (a != b) turn_row(b, a, width);
    turn_row(kept.data(), b, width);
  }
}

}  // namespace

void patch_mirror(std::span<float> voxels, Kji const& size, std::array<bool, 3> const& axes) {
  mirror_rows(voxels, size, axes);
}

void patch_mirror(std::span<std::int16_t> voxels,
                  Kji const& size,
                  std::array<bool, 3> const& axes) {
  mirror_rows(voxels, size, axes);
}

}  // namespace fovea
