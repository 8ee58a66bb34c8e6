#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace fovea {

/// A number for each axis of an array of voxels, in the order of its axes: k, j, i.
using Kji = std::array<std::int64_t, 3>;

inline std::int64_t voxels_of(Kji const& size) {
  return size[0] * size[1] * size[2];
}

/// Voxels from `from` up to, not including, `from` + `size`. May reach beyond the case.
struct PatchBox {
  Kji from{};
  Kji size{};
  bool operator==(PatchBox const&) const = default;
};

/// The key of all randomness: the same key gives the same sample for any number of threads.
struct PatchKey {
  std::uint64_t seed = 0;
  std::uint64_t step = 0;
  std::uint64_t index = 0;  ///< in the batch
};

/// Somebody's memory for one sample: a row of a batch. A 2D patch has size[0] == 1.
struct PatchView {
  Kji size{};
  std::int64_t channels = 1;
  std::span<float> image;          ///< [channels, k, j, i]
  std::span<std::int16_t> labels;  ///< [k, j, i]; empty where nobody asks for them
};

}  // namespace fovea
