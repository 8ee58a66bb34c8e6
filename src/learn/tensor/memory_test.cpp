#include "learn/tensor/memory.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include <thread>

namespace fovea {
namespace {

constexpr std::int64_t memory_mib = (1 << 20) / sizeof(float);  // values

TEST(LargeMemory, IsHandedOutAgain) {
  reuse_large_memory();
  release_kept_memory();
  auto first = at::full({8 * memory_mib}, 1.0F);
  auto const* const block = first.const_data_ptr();
  EXPECT_EQ(kept_memory(), 0U);
  first.reset();
  EXPECT_EQ(kept_memory(), 8U << 20);
  auto const again = at::full({8 * memory_mib - 5}, 2.0F);  // nearly as large
  EXPECT_EQ(again.const_data_ptr(), block);
  EXPECT_EQ(again.sum().item<double>(), 2.0 * (8 * memory_mib - 5));
  EXPECT_EQ(kept_memory(), 0U);
  auto const other = at::full({2 * memory_mib}, 3.0F);
  EXPECT_NE(other.const_data_ptr(), block);
}

TEST(LargeMemory, IsNotKeptBeyondAQuarterMoreThanWasEverUsed) {
  reuse_large_memory();
  release_kept_memory();
  // Sizes that never come again: none of them fits the next.
  for (std::int64_t mib = 4; mib < 200; mib += mib / 2) at::full({mib * memory_mib}, 1.0F);
  EXPECT_LE(kept_memory(), (200ULL << 20) * 5 / 4);
  release_kept_memory();
  EXPECT_EQ(kept_memory(), 0U);
}

TEST(LargeMemory, MayComeBackFromAnotherThread) {
  reuse_large_memory();
  release_kept_memory();
  std::jthread{[tensor = at::full({4 * memory_mib}, 1.0F)]() mutable { tensor.reset(); }};
  EXPECT_EQ(kept_memory(), 4U << 20);
}

}  // namespace
}  // namespace fovea
