#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace fovea {

/// Where windows begin along an axis.
enum class WindowPlaces {
  even,  ///< nnU-Net's: as many as steps ask for, spread evenly, the last one ends at the end
  fixed  ///< MONAI's: a whole step apart (of 1 - overlap), the last one moved back to end there
};

/// How much a window's voxel counts beside those of other windows.
enum class WindowBlend {
  gaussian,  ///< nnU-Net's: deviation an eighth of the window, centre at size / 2
  flat,      ///< all the same
  floored    ///< MONAI's "gaussian": centre at (size - 1) / 2, no weight below 1e-3
};

/// First voxels of windows of `tile` voxels along an axis of `size` voxels, ascending; one at 0
/// if the axis is no longer than the window. `step` is a part of the window, above 0, at most
/// 1.
std::vector<std::int64_t> window_starts(std::int64_t size,
                                        std::int64_t tile,
                                        double step,
                                        WindowPlaces places = WindowPlaces::even);

/// Weights along one axis of a window, largest 1, all above 0. A voxel's weight is the product
/// of those of its three axes, for `floored` at least 1e-3.
///
/// nnU-Net multiplies by 10 and raises what half precision makes zero; neither is seen behind
/// the division by the sum of weights in float32.
std::vector<float> window_weights(std::int64_t tile, WindowBlend blend);

}  // namespace fovea
