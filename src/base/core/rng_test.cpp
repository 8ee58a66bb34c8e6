#include "base/core/rng.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <vector>

namespace fovea {
namespace {

TEST(Rng, IsXoshiro256PlusPlus) {
  Rng rng{0};
  rng.restore({1, 2, 3, 4});  // worked by hand from the published recurrence
  for (auto const expected :
       {41943041ULL, 58720359ULL, 3588806011781223ULL, 3591011842654386ULL,
        9228616714210784205ULL, 9973669472204895162ULL, 14011001112246962877ULL,
        12406186145184390807ULL})
    EXPECT_EQ(rng.next(), expected);
}

TEST(Rng, GivesTheSameStreamForTheSameKeysForEver) {
  Rng rng{{1, 2, 3}};
  std::vector<std::uint64_t> first(3);
  for (auto& one : first) one = rng.next();
  EXPECT_EQ(first, (std::vector<std::uint64_t>{14559454124521611825ULL, 9705619650730054350ULL,
                                               8198006480872905023ULL}));
}

TEST(Rng, TakesTheOrderAndNumberOfKeysForAnotherStream) {
  std::set<std::uint64_t> seeds;
  for (std::uint64_t a = 0; a < 100; ++a) {
    for (std::uint64_t b = 0; b < 100; ++b) seeds.insert(mixed({a, b}));
    seeds.insert(mixed({a}));
  }
  EXPECT_EQ(seeds.size(), 100U * 100U + 100U);
}

TEST(Rng, GoesOnWhereItsStateWasStored) {
  Rng one{7};
  one.normal();
  Rng other{8};
  other.restore(one.state());
  for (int i = 0; i < 10; ++i) EXPECT_EQ(one.normal(), other.normal());
}

// 5 standard errors: a fixed seed, so this either always holds or never.
TEST(Rng, IsUniformAndNormalAsItSays) {
  constexpr int n = 200'000;
  Rng rng{42};
  double sum = 0;
  double square = 0;
  double normal = 0;
  double normal_square = 0;
  int beyond = 0;
  int chances = 0;
  for (int i = 0; i < n; ++i) {
    auto const u = rng.uniform();
    ASSERT_GE(u, 0);
    ASSERT_LT(u, 1);
    sum += u;
    square += u * u;
    auto const x = rng.normal(1, 2);
    normal += x;
    normal_square += (x - 1) * (x - 1);
    if (std::abs(x - 1) > 2 * 1.959963985) ++beyond;
    if (rng.chance(0.3)) ++chances;
  }
  auto const error = 5 / std::sqrt(double{n});
  EXPECT_NEAR(sum / n, 0.5, error * std::sqrt(1 / 12.0));
  EXPECT_NEAR(square / n, 1 / 3.0, error * std::sqrt(4 / 45.0));
  EXPECT_NEAR(normal / n, 1, error * 2);
  EXPECT_NEAR(normal_square / n, 4, error * 4 * std::sqrt(2.0));
  EXPECT_NEAR(beyond / double{n}, 0.05, error * std::sqrt(0.05 * 0.95));
  EXPECT_NEAR(chances / double{n}, 0.3, error * std::sqrt(0.3 * 0.7));
}

TEST(Rng, FillsEachOfSevenPlacesEquallyOften) {
  constexpr int n = 70'000;
  std::vector<int> counts(7);
  Rng rng{3};
  for (int i = 0; i < n; ++i) ++counts.at(static_cast<std::size_t>(rng.below(7)));
  double chi = 0;
  for (auto const count : counts) chi += (count - n / 7.0) * (count - n / 7.0) / (n / 7.0);
  EXPECT_LT(chi, 22.46);  // chi-squared with 6 degrees of freedom, p = 0.001
  EXPECT_EQ(rng.below(1), 0);
}

TEST(Rng, ShufflesToEveryOrderEquallyOften) {
  std::vector<int> counts(6);
  Rng rng{4};
  for (int i = 0; i < 60'000; ++i) {
    std::vector<int> items{0, 1, 2};
    rng.shuffle(std::span{items});
    ++counts.at(static_cast<std::size_t>(items[0] * 2 + (items[1] > items[2] ? 1 : 0)));
  }
  double chi = 0;
  for (auto const count : counts) chi += (count - 1e4) * (count - 1e4) / 1e4;
  EXPECT_LT(chi, 20.52);  // 5 degrees of freedom, p = 0.001
}

}  // namespace
}  // namespace fovea
