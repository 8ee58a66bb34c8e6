#pragma once

#include <cstdint>
#include <span>

namespace fovea {

// What changes the values of one channel of a patch in place, voxel by voxel.

/// Gaussian noise of this standard deviation, from its key.
void patch_noise(std::span<float> channel, double deviation, std::uint64_t key);

/// Values times `factor`.
void patch_brightness(std::span<float> channel, double factor);

/// Distances from the mean times `factor`; what leaves the range that the values had is put
/// back to its ends.
void patch_contrast(std::span<float> channel, double factor);

/// Values over their range to the power of `exponent`; mean and standard deviation stay (a
/// constant image stays as it is). `inverted`: of the negative image, made positive again.
void patch_gamma(std::span<float> channel, double exponent, bool inverted);

}  // namespace fovea
