#include "learn/patch/places.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace fovea {
namespace {

TEST(ClassPlaces, AreAllOfASmallClass) {
  std::vector<std::int16_t> const labels{-1, 0, 1, 1, 2, 0, 1, 3, -1};
  std::vector<LabelSet> const classes{{1}, {2, 3}, {4}, {-1, 0, 0}, {}};
  auto const places = class_places(labels, classes);
  EXPECT_EQ(places,
            (std::vector<std::vector<std::uint32_t>>{{2, 3, 6}, {4, 7}, {}, {0, 1, 5, 8}, {}}));
}

TEST(ClassPlaces, AreTenThousandOrOneInAHundredOfALargeOne) {
  std::vector<std::int16_t> labels(3'000'000, 1);
  std::fill_n(labels.begin(), 2'000'000, std::int16_t{2});
  std::fill_n(labels.begin(), 10'001, std::int16_t{3});
  auto const places = class_places(labels, std::vector<LabelSet>{{1}, {2}, {3}, {1, 2, 3}});
  EXPECT_EQ(places[0].size(), 10'000U);
  EXPECT_EQ(places[1].size(), 19'900U);  // of 1,989,999
  EXPECT_EQ(places[2].size(), 10'000U);
  EXPECT_EQ(places[3].size(), 30'000U);
  for (auto const& of_one : places)
    EXPECT_EQ(std::ranges::adjacent_find(of_one, std::greater_equal{}), of_one.end());
  EXPECT_TRUE(std::ranges::all_of(places[1], [&](auto at) { return labels[at] == 2; }));
  // Drawn evenly: a third of all from each third, within four deviations.
  for (std::uint32_t third = 0; third < 3; ++third) {
    auto const in_it =
        std::ranges::count_if(places[3], [&](auto at) { return at / 1'000'000 == third; });
    EXPECT_NEAR(static_cast<double>(in_it), 10'000, 330);
  }
  EXPECT_EQ(places, class_places(labels, std::vector<LabelSet>{{1}, {2}, {3}, {1, 2, 3}}));
}

}  // namespace
}  // namespace fovea
