#include "learn/transform/blur.hpp"
#include "learn/transform/brightness.hpp"
#include "learn/transform/colour.hpp"
#include "learn/transform/contrast.hpp"
#include "learn/transform/cut_out.hpp"
#include "learn/transform/gamma.hpp"
#include "learn/transform/kernels.hpp"
#include "learn/transform/mix_up.hpp"
#include "learn/transform/noise.hpp"
#include "learn/transform/window.hpp"
#include "learn/transform/z_score.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

namespace fovea {
namespace {

Volume value_image(std::vector<float> const& values, std::int64_t channels = 1) {
  auto image =
      image2d(static_cast<std::int64_t>(values.size()) / channels, 1, Type::f32, channels);
  std::ranges::copy(values, image.write<float>().begin());
  return image;
}

std::vector<float> value_list(Volume const& image) {
  return {image.as<float>().begin(), image.as<float>().end()};
}

}  // namespace

TEST(Window, ClampsAndScales) {
  EXPECT_EQ(value_list(Window{100, 300}(value_image({0, 100, 200, 300, 900}))),
            (std::vector<float>{0, 0, 0.5, 1, 1}));
  EXPECT_THROW((Window{3, 3})(value_image({1})), Error);
}

TEST(ZScore, GivesEachChannelMeanZeroAndDeviationOne) {
  auto const scored = ZScore{}(value_image({1, 3, 10, 30}, 2));
  EXPECT_EQ(value_list(scored), (std::vector<float>{-1, 1, -1, 1}));
  EXPECT_EQ(value_list(ZScore{}(value_image({7, 7, 7}))), (std::vector<float>{0, 0, 0}));
}

TEST(Grey, WeighsColoursByRec601) {
  EXPECT_NEAR(Grey{}(value_image({100, 200, 50}, 3)).as<float>()[0], 153.0, 1e-3);
  EXPECT_THROW(Grey{}(value_image({1, 2}, 2)), Error);
}

TEST(Colour, RepeatsGreyAndThatIsTheSameGrey) {
  auto const grey = value_image({0.25F, 0.75F});
  auto const colour = Colour{}(grey);
  EXPECT_EQ(colour.channels(), 3);
  EXPECT_EQ(value_list(colour), (std::vector<float>{0.25, 0.75, 0.25, 0.75, 0.25, 0.75}));
  auto const back = Grey{}(colour);
  for (std::size_t n = 0; n < 2; ++n)
    EXPECT_NEAR(back.as<float>()[n], grey.as<float>()[n], 1e-6);
}

TEST(Brightness, AddsOneNumberWithinItsStrength) {
  Rng rng{1};
  for (int n = 0; n < 100; ++n) {
    auto const out = Brightness{0.2}(value_image({0.1F, 0.6F}), rng);
    EXPECT_NEAR(out.as<float>()[1] - out.as<float>()[0], 0.5, 1e-6);
    EXPECT_LE(std::abs(out.as<float>()[0] - 0.1), 0.2 + 1e-6);
  }
}

TEST(Contrast, KeepsTheMean) {
  std::vector<float> values{1, 2, 6};
  stretch(values, 2);
  EXPECT_EQ(values, (std::vector<float>{-1, 1, 9}));
}

TEST(Gamma, EqualsThePowerOfTheStandardLibrary) {
  for (auto const exponent : {0.25F, 0.5F, 0.9F, 1.0F, 1.3F, 2.0F, 4.0F}) {
    std::vector<float> values(1001);
    for (std::size_t n = 0; n < values.size(); ++n) values[n] = static_cast<float>(n) / 500;
    auto const before = values;
    raise_to(values, exponent);
    for (std::size_t n = 0; n < values.size(); ++n) {
      auto const wanted = std::pow(static_cast<double>(before[n]), exponent);
      ASSERT_NEAR(values[n], wanted, 4e-6 * wanted) << before[n] << " to " << exponent;
    }
  }
  std::vector<float> below{-2, -0.5F, 0};
  raise_to(below, 0.7F);
  EXPECT_EQ(below, (std::vector<float>{-2, -0.5F, 0}));
}

TEST(Noise, HasTheMomentsAndTailsOfANormalDistribution) {
  constexpr std::size_t count = 1 << 20;
  std::vector<float> values(count);
  add_normal(values, 1, 42);
  std::array<double, 5> moments{};
  std::array<int, 5> beyond{};
  for (double const value : values) {
    for (std::size_t n = 1; n < 5; ++n) moments[n] += std::pow(value, n) / count;
    for (std::size_t n = 1; n < 5; ++n) beyond[n] += std::abs(value) > static_cast<double>(n);
  }
  EXPECT_NEAR(moments[1], 0, 0.005);
  EXPECT_NEAR(moments[2], 1, 0.01);
  EXPECT_NEAR(moments[3], 0, 0.02);
  EXPECT_NEAR(moments[4], 3, 0.05);
  for (std::size_t n = 1; n < 5; ++n) {
    auto const expected = count * std::erfc(static_cast<double>(n) / std::sqrt(2.0));
    EXPECT_NEAR(beyond[n], expected, 5 * std::sqrt(expected)) << n << " deviations";
  }
}

TEST(Noise, IsIndependentFromPixelToPixelAndKeyToKey) {
  constexpr std::size_t count = 1 << 18;
  std::vector<float> one(count);
  std::vector<float> other(count);
  add_normal(one, 1, 1);
  add_normal(other, 1, 2);
  for (std::size_t lag : {1, 2, 15, 16, 17, 31, 32, 224}) {
    double sum = 0;
    for (std::size_t n = 0; n + lag < count; ++n) sum += one[n] * one[n + lag];
    EXPECT_NEAR(sum / count, 0, 0.01) << "lag " << lag;
  }
  EXPECT_NEAR(std::inner_product(one.begin(), one.end(), other.begin(), 0.0) / count, 0, 0.01);
}

TEST(Noise, FillsEveryLengthWithTheSameStream) {
  std::vector<float> whole(100);
  add_normal(whole, 1, 9);
  for (std::size_t length : {1, 16, 31, 32, 33, 99}) {
    std::vector<float> part(length);
    add_normal(part, 1, 9);
    EXPECT_TRUE(std::equal(part.begin(), part.end(), whole.begin())) << length;
  }
}

TEST(Blur, KeepsConstantsAndLeavesHalfOfThePicturesAlone) {
  auto image = image2d(20, 30, Type::u8);
  std::ranges::fill(image.write<std::uint8_t>(), 77);
  auto const soft = blurred(image, 5);
  for (auto const value : soft.as<float>()) ASSERT_NEAR(value, 77, 1e-3);
  Rng rng{4};
  int none = 0;
  for (int n = 0; n < 1000; ++n) none += Blur{2}.draw(rng) == 0;
  EXPECT_NEAR(none, 500, 80);
  EXPECT_THROW(blurred(image, 1e6), Error);
}

TEST(CutOut, HidesOneRectangleOfTheSizeAsked) {
  Rng rng{8};
  for (int n = 0; n < 200; ++n) {
    auto image = image2d(50, 40, Type::f32);
    for (std::size_t at = 0; at < 2000; ++at) image.write<float>()[at] = static_cast<float>(at);
    auto const out = CutOut{.probability = 1}(image, rng);
    std::set<std::size_t> columns;
    std::set<std::size_t> rows;
    std::size_t hidden = 0;
    for (std::size_t at = 0; at < 2000; ++at) {
      if (out.as<float>()[at] == image.as<float>()[at]) continue;
      EXPECT_FLOAT_EQ(out.as<float>()[at], 999.5F);
      columns.insert(at % 50);
      rows.insert(at / 50);
      ++hidden;
    }
    EXPECT_EQ(hidden, columns.size() * rows.size());
    EXPECT_GE(columns.size(), 5U);
    EXPECT_LE(columns.size(), 15U);
    EXPECT_GE(rows.size(), 4U);
    EXPECT_LE(rows.size(), 12U);
  }
}

TEST(MixUp, MixesAndItsShareIsThatOfTheMainPicture) {
  auto const mixed = mix_up(value_image({0, 8}), value_image({4, 0}), 0.75);
  EXPECT_EQ(value_list(mixed), (std::vector<float>{1, 6}));
  EXPECT_THROW(mix_up(value_image({1}), value_image({1, 2}), 0.5), Error);
  Rng rng{2};
  EXPECT_EQ(mix_up_share(0, rng), 1);
  for (auto const strength : {0.05, 0.4, 1.0, 8.0}) {
    double sum = 0;
    for (int n = 0; n < 4000; ++n) {
      auto const share = mix_up_share(strength, rng);
      ASSERT_GE(share, 0.5);
      ASSERT_LE(share, 1);
      // Of Beta(a, a): the variance about 1/2 is 1 / (4 (2 a + 1)).
      sum += (share - 0.5) * (share - 0.5) / 4000;
    }
    EXPECT_NEAR(sum, 1 / (4 * (2 * strength + 1)), 0.01) << strength;
  }
}

}  // namespace fovea
