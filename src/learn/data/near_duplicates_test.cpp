#include "learn/data/near_duplicates.hpp"

#include "base/core/rng.hpp"
#include "learn/data/make_sets.hpp"
#include "learn/data/shrink.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <numeric>

namespace fovea {
namespace {

TEST(NearPairs, AreThoseThatComparingEachWithEachFinds) {
  Rng rng{11};
  std::vector<Looks> looks(400);
  for (std::size_t i = 0; i < looks.size(); ++i) {
    // Clusters of hashes a few bits apart, and thumbnails that are all alike.
    looks[i].hash = rng.chance(0.5) || i == 0 ? rng.next() : looks[i - 1].hash;
    for (auto flips = rng.below(4); flips > 0; --flips)
      looks[i].hash ^= std::uint64_t{1} << rng.below(64);
    for (std::size_t p = 0; p < 256; ++p) looks[i].thumbnail[p] = static_cast<std::uint8_t>(p);
  }
  for (auto const bits : {0, 2, 4, 6}) {
    std::vector<std::pair<std::size_t, std::size_t>> expected;
    for (std::size_t a = 0; a < looks.size(); ++a) {
      for (std::size_t b = a + 1; b < looks.size(); ++b) {
        if (std::popcount(looks[a].hash ^ looks[b].hash) <= bits) expected.emplace_back(a, b);
      }
    }
    EXPECT_GT(expected.size(), 10U);
    auto const found = near_pairs(looks, {.bits = bits, .correlation = 0.9});
    EXPECT_EQ(found.pairs, expected);
    EXPECT_TRUE(found.all);
  }
}

TEST(NearPairs, NeedThumbnailsThatAgreeToo) {
  std::vector<Looks> looks(2);
  looks[0].thumbnail[3] = 255;
  looks[1].thumbnail[4] = 255;
  EXPECT_TRUE(near_pairs(looks).pairs.empty());
  looks[1].thumbnail = looks[0].thumbnail;
  EXPECT_EQ(near_pairs(looks).pairs.size(), 1U);
  EXPECT_TRUE(near_pairs({}).pairs.empty());
}

TEST(NearPairs, OfTooManyThatAreAlikeAreTheLikeliest) {
  std::vector<Looks> looks(3000);
  for (std::size_t i = 0; i < looks.size(); ++i) looks[i].thumbnail[i % 256] = 255;
  looks[7].hash = looks[2990].hash = std::uint64_t{5} << 30;
  looks[2990].thumbnail = looks[7].thumbnail;
  auto const found = near_pairs(looks, {.comparisons = 100'000});
  EXPECT_FALSE(found.all);
  EXPECT_TRUE(
      std::ranges::binary_search(found.pairs, std::pair<std::size_t, std::size_t>{7, 2990}));
}

TEST(Looks, SurviveBrighteningButNotAnotherPicture) {
  auto const cells = [](std::uint64_t seed, double gain, double offset) {
    auto out = shrunken_grey(noise_picture(seed, 8, 8), 32, 32);
    for (auto& cell : out) cell = cell * gain + offset;
    return looks_of(out);
  };
  auto const a = cells(1, 1, 0);
  auto const b = cells(1, 0.5, 60);
  EXPECT_EQ(a.hash, b.hash);
  EXPECT_GT(correlation(a.thumbnail, b.thumbnail), 0.9999);
  auto const other = cells(2, 1, 0);
  EXPECT_GT(std::popcount(a.hash ^ other.hash), 10);
  EXPECT_LT(correlation(a.thumbnail, other.thumbnail), 0.5);
}

TEST(ShrunkenGrey, KeepsTheMeanWhetherItShrinksOrGrows) {
  for (auto const side : {7, 16, 45}) {
    auto const image = noise_picture(4, 24, 20);
    auto const pixels = image.as<std::uint8_t>();
    auto const cells = shrunken_grey(image, side, side);
    ASSERT_EQ(cells.size(), static_cast<std::size_t>(side * side));
    auto const mean =
        std::accumulate(pixels.begin(), pixels.end(), 0.0) / static_cast<double>(pixels.size());
    EXPECT_NEAR(std::accumulate(cells.begin(), cells.end(), 0.0) / (side * side), mean, 1e-9);
  }
}

TEST(Preview, ShowsAnyTypeAsBytesOfModestSize) {
  auto wide = image2d(400, 100, Type::u16, 3);
  wide.write<std::uint16_t>()[0] = 60000;
  auto const shown = preview(wide, 200);
  EXPECT_EQ(shown.type(), Type::u8);
  EXPECT_EQ(shown.width(), 200);
  EXPECT_EQ(shown.height(), 50);
  EXPECT_EQ(shown.channels(), 3);
  EXPECT_EQ(shown.as<std::uint8_t>()[0], 255);
  auto const small = noise_picture(1);
  EXPECT_TRUE(std::ranges::equal(preview(small).as<std::uint8_t>(), small.as<std::uint8_t>()));
}

}  // namespace
}  // namespace fovea
