#include "learn/patch/patch_values.hpp"

#include "base/core/error.hpp"
#include "learn/patch/made/made_case.hpp"
#include "learn/patch/patch_blur.hpp"
#include "learn/patch/patch_low_resolution.hpp"
#include "learn/patch/voxel_kernels.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace fovea {
namespace {

TEST(PatchNoise, HasTheDeviationAskedForAndDependsOnItsKey) {
  std::vector<float> a(100'000);
  auto b = a;
  auto c = a;
  patch_noise(a, 0.1, 1);
  patch_noise(b, 0.1, 1);
  patch_noise(c, 0.1, 2);
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
  auto const facts = facts_of(a);
  EXPECT_NEAR(facts.mean, 0, 0.0013);
  EXPECT_NEAR(facts.deviation, 0.1, 0.001);
  auto kept = c;
  patch_noise(kept, 0, 3);
  EXPECT_EQ(kept, c);
}

TEST(PatchBrightness, MultipliesAndKeepsAllAtOne) {
  std::vector<float> values{-2, 0, 3};
  patch_brightness(values, 1);
  EXPECT_EQ(values, (std::vector<float>{-2, 0, 3}));
  patch_brightness(values, 1.5);
  EXPECT_EQ(values, (std::vector<float>{-3, 0, 4.5}));
}

TEST(PatchContrast, SpreadsAboutTheMeanWithinTheRange) {
  std::vector<float> values{0, 1, 2, 3, 4};
  patch_contrast(values, 1.25);
  EXPECT_EQ(values, (std::vector<float>{0, 0.75, 2, 3.25, 4}));
  patch_contrast(values, 0.5);
  EXPECT_EQ(values, (std::vector<float>{1, 1.375, 2, 2.625, 3}));
}

TEST(PatchGamma, KeepsMeanAndDeviationAndAConstantImage) {
  for (auto const inverted : {false, true})
    for (auto const exponent : {0.7, 1.0, 1.5}) {
      MadeCase made;
      auto const before = facts_of(made.image);
      auto const plain = made.image;
      patch_gamma(made.image, exponent, inverted);
      auto const after = facts_of(made.image);
      EXPECT_NEAR(after.mean, before.mean, 1e-5);
      EXPECT_NEAR(after.deviation, before.deviation, 1e-5);
      // It never changes which of two values is larger.
      for (std::size_t n = 1; n < plain.size(); ++n)
        if (plain[n - 1] < plain[n]) {
          EXPECT_LE(made.image[n - 1], made.image[n]);
        }
      for (std::size_t n = 0; n < plain.size() && exponent == 1; ++n)
        EXPECT_NEAR(made.image[n], plain[n], 2e-5);
      std::vector<float> same(50, 7.25F);
      patch_gamma(same, exponent, inverted);
      EXPECT_EQ(same, std::vector<float>(50, 7.25F));
    }
}

TEST(BlurWeights, AreAsManyAsNnunetTakes) {
  for (auto const& [deviation, count] : std::vector<std::pair<double, std::size_t>>{
           {0.5, 2}, {0.58, 2}, {0.59, 3}, {0.74, 3}, {0.91, 3}, {0.92, 4}, {1.0, 4}}) {
    auto const weights = blur_weights(deviation);
    EXPECT_EQ(weights.size(), count) << deviation;
    auto const sum = 2 * std::accumulate(weights.begin(), weights.end(), 0.0) -
                     static_cast<double>(weights[0]);
    EXPECT_NEAR(sum, 1, 1e-6);
  }
}

TEST(PatchBlur, KeepsAConstantImageAndSlicesOfOneVoxel) {
  for (auto const& size : {Kji{1, 20, 33}, Kji{2, 2, 2}, Kji{1, 1, 1}, Kji{9, 1, 20}}) {
    std::vector<float> values(static_cast<std::size_t>(voxels_of(size)), 3.5F);
    patch_blur(values, size, {1, 0.8, 0.5});
    for (auto const value : values) EXPECT_NEAR(value, 3.5F, 1e-6);
  }
  std::vector<float> dot(5 * 5 * 5);
  dot[62] = 1;
  patch_blur(dot, {5, 5, 5}, {0.5, 0.5, 0.5});
  auto const weights = blur_weights(0.5);
  EXPECT_NEAR(dot[62], std::pow(weights[0], 3), 1e-6);
  EXPECT_NEAR(dot[61], weights[0] * weights[0] * weights[1], 1e-6);
  EXPECT_NEAR(dot[62 + 25 + 5 + 1], std::pow(weights[1], 3), 1e-6);
  EXPECT_EQ(dot[60], 0);
  EXPECT_THROW(patch_blur(dot, {5, 5, 5}, {2, 2, 2}), Error);
}

TEST(PatchLowResolution, ChangesNothingAtZoomOneAndShowsTheMiddleVoxels) {
  MadeCase made;
  auto const plain = made.image;
  patch_low_resolution(made.image, made.size, {1, 1, 1});
  EXPECT_EQ(made.image, plain);
  std::vector<float> values(7 * 1 * 3, 2.5F);
  patch_low_resolution(values, {7, 1, 3}, {0.5, 0.5, 0.5});
  EXPECT_EQ(values, std::vector<float>(21, 2.5F));
  std::vector<float> ramp(8);
  std::iota(ramp.begin(), ramp.end(), 0.0F);
  patch_low_resolution(ramp, {1, 1, 8}, {1, 1, 0.5});  // shows 1, 3, 5, 7
  EXPECT_EQ(ramp, (std::vector<float>{1, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7}));
}

}  // namespace
}  // namespace fovea
