#include "learn/transform/moments.hpp"

#include "base/core/rng.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace fovea {

TEST(Moments, EqualThoseOfAllValuesTogether) {
  std::vector<float> values;
  Rng rng{12};
  for (int n = 0; n < 1000; ++n) values.push_back(static_cast<float>(rng.normal(1000, 3)));
  double mean = 0;
  double squares = 0;
  for (double const value : values) mean += value / 1000;
  for (double const value : values) squares += (value - mean) * (value - mean);

  Moments parts;
  for (std::size_t at = 0; at < values.size(); at += 130) {
    Moments part;
    part.add(std::span{values}.subspan(at, std::min<std::size_t>(130, values.size() - at)));
    parts.merge(part);
  }
  EXPECT_EQ(parts.count, 1000);
  EXPECT_NEAR(parts.mean, mean, 1e-9);
  EXPECT_NEAR(parts.deviation(), std::sqrt(squares / 1000), 1e-9);
  EXPECT_EQ(parts.low, std::ranges::min(values));
  EXPECT_EQ(parts.high, std::ranges::max(values));
}

TEST(Moments, LeaveOutWhatIsNotFinite) {
  Moments moments;
  moments.add(std::vector<float>{1, NAN, 3, INFINITY});
  EXPECT_EQ(moments.count, 2);
  EXPECT_EQ(moments.mean, 2);
  EXPECT_EQ(moments.deviation(), 1);
  EXPECT_EQ(Moments{}.deviation(), 0);
}

TEST(Histogram, GivesPercentilesOfBytesExactly) {
  auto image = image2d(256, 1, Type::u8);
  for (std::size_t n = 0; n < 256; ++n)
    image.write<std::uint8_t>()[n] = static_cast<std::uint8_t>(n);
  Histogram histogram;
  histogram.add(image);
  EXPECT_EQ(histogram.percentile(0), 0);
  EXPECT_EQ(histogram.percentile(0.5), 127);
  EXPECT_EQ(histogram.percentile(1), 255);
}

TEST(Histogram, GivesPercentilesOfNegativeAndLargeValuesWithinABin) {
  auto image = image2d(4, 1, Type::i16);
  std::ranges::copy(std::array{-1000, -3, 40, 3071}, image.write<std::int16_t>().begin());
  Histogram one;
  one.add(image);
  Histogram both = one;
  both.merge(one);
  EXPECT_EQ(both.count(), 8);
  EXPECT_NEAR(both.percentile(0.1), -1000, 1000.0 / 128);
  EXPECT_NEAR(both.percentile(0.5), -3, 3.0 / 128);
  EXPECT_EQ(both.percentile(0.75), 40);
  EXPECT_NEAR(both.percentile(1), 3071, 3071.0 / 128);
  EXPECT_THROW(Histogram{}.percentile(0.5), Error);
}

}  // namespace fovea
