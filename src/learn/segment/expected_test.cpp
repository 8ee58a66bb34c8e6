#include "learn/segment/expected.hpp"

#include "base/core/error.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace fovea {
namespace {

Sureness expected_sums(std::vector<float> const& values, std::size_t structures, bool regions) {
  auto const outputs = structures + (regions ? 0 : 1);
  auto const voxels = static_cast<std::int64_t>(values.size() / outputs);
  SurenessSums sums{structures, regions};
  sums.add({.box = {{0, 0, 0}, {1, 1, voxels}}, .values = values});
  return sums.values();
}

TEST(Sureness, IsTheDiceThatProbabilitiesPromise) {
  // Four voxels; background, a, b.
  auto const found = expected_sums({0.9F, 0.2F, 0.1F, 1.0F,  //
                                    0.1F, 0.7F, 0.4F, 0.0F,  //
                                    0.0F, 0.1F, 0.5F, 0.0F},
                                   2, false);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_NEAR(*found[0], 2 * 0.7 / (1 + 1.2), 1e-6);
  EXPECT_NEAR(*found[1], 2 * 0.5 / (1 + 0.6), 1e-6);
}

TEST(Sureness, OfRegionsThatHoldEachOther) {
  auto const found = expected_sums({0.9F, 0.8F, 0.2F, 0.6F, 0.1F, 0.1F}, 2, true);
  EXPECT_NEAR(*found[0], 2 * 1.7 / (2 + 1.9), 1e-6);
  EXPECT_NEAR(*found[1], 2 * 0.6 / (1 + 0.8), 1e-6);
}

TEST(Sureness, IsOneForCertaintyAndNoneWhereNothingWasFound) {
  auto const found = expected_sums({0, 1, 1, 1, 0, 0, 0, 0, 0}, 2, false);
  EXPECT_EQ(*found[0], 1);
  EXPECT_FALSE(found[1]);
}

TEST(Sureness, OfManyBlocksIsThatOfOne) {
  std::vector<float> values(2 * 3000);
  for (std::size_t n = 0; n < 3000; ++n) {
    values[3000 + n] = static_cast<float>(n * 37 % 101) / 100;
    values[n] = 1 - values[3000 + n];
  }
  auto const whole = expected_sums(values, 1, false);
  SurenessSums sums{1, false};
  for (std::size_t first = 0; first < 3000; first += 1000) {
    std::vector<float> part(values.begin() + static_cast<std::ptrdiff_t>(first),
                            values.begin() + static_cast<std::ptrdiff_t>(first + 1000));
    part.insert(part.end(), values.begin() + static_cast<std::ptrdiff_t>(3000 + first),
                values.begin() + static_cast<std::ptrdiff_t>(4000 + first));
    sums.add({.box = {{0, 0, 0}, {10, 10, 10}}, .values = part});
  }
  EXPECT_NEAR(*sums.values()[0], *whole[0], 1e-5);
}

TEST(ExpectedLine, FollowsTheCasesOfValidation) {
  std::vector<SureCase> cases;
  for (int n = 0; n < 40; ++n) cases.push_back({0.5 + 0.01 * n, 0.3 + 0.015 * n});
  auto const line = expected_line(cases);
  EXPECT_EQ(line.cases, 40);
  EXPECT_NEAR(line.at(0.7), 0.6, 0.01);
  EXPECT_NEAR(line.error, 0, 0.01);
  EXPECT_EQ(line.at(5), 1);
  EXPECT_EQ(line.at(-5), 0);
}

TEST(ExpectedLine, IsNotTiltedByFewOrEqualCases) {
  EXPECT_EQ(expected_line(std::vector<SureCase>{{0.9, 0.8}, {0.8, 0.1}}).cases, 0);
  auto const equal = expected_line(std::vector<SureCase>{{0.9, 0.8}, {0.9, 0.6}, {0.9, 0.7}});
  EXPECT_NEAR(equal.slope, 1, 1e-9);
  EXPECT_NEAR(equal.at(0.9), 0.7, 1e-9);
  EXPECT_NEAR(equal.error, std::sqrt(2 * 0.15 * 0.15 / 3), 1e-9);
  // Sureness that leads astray is not followed.
  auto const astray = expected_line(std::vector<SureCase>{{0.5, 0.9}, {0.7, 0.5}, {0.9, 0.1}});
  EXPECT_EQ(astray.slope, 0);
  EXPECT_NEAR(astray.at(0.2), 0.5, 1e-9);
}

TEST(ExpectedWorth, IsTheErrorAndTheRankCorrelation) {
  // scipy.stats.spearmanr([.1, .2, .2, .9], [.3, .1, .4, .8]) is 0.632456
  auto const worth =
      expected_worth(std::vector<SureCase>{{0.1, 0.3}, {0.2, 0.1}, {0.2, 0.4}, {0.9, 0.8}});
  EXPECT_EQ(worth.cases, 4);
  EXPECT_NEAR(worth.mean_error, 0.15, 1e-12);
  EXPECT_NEAR(*worth.spearman, 0.632456, 1e-6);
  EXPECT_FALSE(expected_worth(std::vector<SureCase>{{0.1, 0.3}, {0.1, 0.2}}).spearman);
  EXPECT_EQ(expected_worth({}).cases, 0);
}

TEST(ExpectedLine, GoesIntoAModelAndBack) {
  std::vector<ExpectedLine> const lines{{0.5, 0.25, 0.03, 12}, {}};
  auto const back = read_expected(Json::parse(expected_json(lines).dump()), 2);
  ASSERT_EQ(back.size(), 2U);
  EXPECT_EQ(back[0].slope, 0.5);
  EXPECT_EQ(back[0].offset, 0.25);
  EXPECT_EQ(back[0].error, 0.03);
  EXPECT_EQ(back[0].cases, 12);
  EXPECT_EQ(back[1].cases, 0);
  EXPECT_TRUE(read_expected(Json{}, 2).empty());
  EXPECT_THROW(read_expected(expected_json(lines), 3), Error);
  for (auto const* const damaged :
       {"1", "[1,2]", "[{},{}]", R"([{"slope":-1,"offset":0,"error":0,"cases":1},{}])"}) {
    SCOPED_TRACE(damaged);
    EXPECT_THROW(read_expected(Json::parse(damaged), 2), Error);
  }
}

}  // namespace
}  // namespace fovea
