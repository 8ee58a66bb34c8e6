#pragma once

#include <array>
#include <cstdint>

namespace fovea {

/// What a convolution of few channels, or a transposed one, reads and gives.
struct FewMaps {
  std::int64_t batch = 1;
  std::array<std::int64_t, 3> in{}, out{};  ///< sizes: k, j, i
  std::int64_t rows() const { return batch * out[0] * out[1]; }
};

}  // namespace fovea
