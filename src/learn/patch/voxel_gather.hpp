#pragma once

#include "learn/patch/voxel_kernels.hpp"

namespace fovea {

// sample_cube and sample_labels as far as the widest CPUs do them in their own way: how many of
// the row are done, 0 on other CPUs.
std::int64_t gather_cube(Cube<float> const& cube,
                         CubeRow const& row,
                         float* out,
                         std::int64_t count);
std::int64_t gather_labels(Cube<std::int16_t> const& cube,
                           CubeRow const& row,
                           std::int16_t* out,
                           std::int64_t count,
                           std::vector<std::int32_t>& mixed);

}  // namespace fovea
