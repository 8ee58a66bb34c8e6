#include "base/geometry/resample.hpp"

#include <gtest/gtest.h>
namespace fovea {
namespace {
TEST(Resample, IdentityIsExact) {
  auto const in = phantom();
  auto const out = resample(in, in.grid());
  EXPECT_TRUE(std::ranges::equal(in.as<std::int16_t>(), out.as<std::int16_t>()));
}
}  // namespace
}  // namespace fovea
