#pragma once

// What the tests of this folder share.

#include "base/core/rng.hpp"
#include "base/core/vectors.hpp"
#include "learn/kernel/bfloat16.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace fovea {

inline std::vector<float> kernel_noise(std::int64_t count, std::uint64_t key) {
  Rng rng{{key}};
  std::vector<float> out(static_cast<std::size_t>(count));
  // Some values are equal, as they are behind a ReLU or in bfloat16.
  for (auto& value : out) value = static_cast<float>(std::round(rng.normal(0, 1) * 8) / 8);
  return out;
}

template <class T>
std::vector<T> kernel_as(std::vector<float> const& values) {
  std::vector<T> out;
  for (auto const value : values) out.push_back(narrowed<T>(value));
  return out;
}

template <class T>
class Kernel : public testing::Test {
 public:
  // Of sums of about a hundred values near one.
  static constexpr float close = sizeof(T) == 4 ? 1e-4F : 4e-2F;
};
using KernelTypes = testing::Types<float, BFloat16>;
TYPED_TEST_SUITE(Kernel, KernelTypes);

/// The widths of vectors that this CPU has.
inline std::vector<vectors::Width> kernel_widths() {
  std::vector<vectors::Width> out;
  for (auto const width : {vectors::Width::any, vectors::Width::avx2, vectors::Width::avx512})
    if (width <= vectors::width()) out.push_back(width);
  return out;
}

}  // namespace fovea
