#pragma once

#include "base/image/volume.hpp"

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <functional>

namespace fovea {

/// A box of voxels in a tensor's order: k, j, i.
struct WindowBox {
  std::array<std::int64_t, 3> first{};
  std::array<std::int64_t, 3> size{};

  std::int64_t voxels() const { return size[0] * size[1] * size[2]; }
  bool operator==(WindowBox const&) const = default;
};

/// A preprocessed case that is read box by box, so that it need not lie in memory.
struct WindowSource {
  std::int64_t channels = 1;
  std::array<std::int64_t, 3> size{};  ///< k, j, i
  /// Writes the voxels of a box that lies within the case, [channel, k, j, i] without gaps,
  /// float32. Called by one thread at a time.
  std::function<void(WindowBox const& box, float* into)> read;
};

/// Of a tensor [channel, k, j, i] or [channel, j, i], float32 on the CPU, any strides; keeps it
/// alive. Throws Error{input} if it is another thing.
WindowSource source_of(at::Tensor const& prepared);
/// Of a volume of float32. Throws Error{input} if its voxels are of another type.
WindowSource source_of(Volume const& prepared);

}  // namespace fovea
