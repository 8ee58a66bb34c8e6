#pragma once

#include "base/image/volume.hpp"

#include <ATen/core/Tensor.h>

namespace fovea {

/// The voxels as a tensor [channel, k, j, i] of their own type, without a copy: it keeps the
/// volume alive. u16, u32 and u64 become a float copy, which rounds
/// beyond 2^24.
at::Tensor tensor_of(Volume const& volume);

/// A tensor [channel, k, j, i] or [k, j, i], any type, as float32 on the grid; copies.
/// Throws Error{bug} if the sizes differ.
Volume volume_of(at::Tensor const& voxels, Grid const& grid, Unit unit);

/// "cpu", "cuda", or what "auto" finds. Throws Error{usage} on another word, Error{resource} if
/// there is no such device.
at::Device device_named(std::string_view name);

/// Threads that LibTorch's operations use.
void use_threads(int threads);

}  // namespace fovea
