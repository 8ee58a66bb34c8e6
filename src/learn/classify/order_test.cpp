#include "learn/classify/order.hpp"

#include <gtest/gtest.h>

#include <set>

namespace fovea {

TEST(SampleOrder, ShowsEveryCaseOnceAnEpochInAnotherOrder) {
  SampleOrder const order{{3, 5, 7, 9, 11, 13, 15, 17}, {}, 1};
  std::vector<std::size_t> first, second;
  for (std::int64_t place = 0; place < 8; ++place) {
    first.push_back(order(place));
    second.push_back(order(8 + place));
  }
  EXPECT_EQ((std::set<std::size_t>{first.begin(), first.end()}),
            (std::set<std::size_t>{3, 5, 7, 9, 11, 13, 15, 17}));
  EXPECT_NE(first, second);
}

TEST(SampleOrder, IsTheSameFromWhicheverPlaceOneBegins) {
  std::vector<std::size_t> cases(100);
  for (std::size_t i = 0; i < cases.size(); ++i) cases[i] = i;
  SampleOrder const forwards{cases, {}, 9}, backwards{cases, {}, 9};
  std::vector<std::size_t> there(1000), back(1000);
  for (std::int64_t place = 0; place < 1000; ++place)
    there[static_cast<std::size_t>(place)] = forwards(place);
  for (std::int64_t place = 999; place >= 0; --place)
    back[static_cast<std::size_t>(place)] = backwards(place);
  EXPECT_EQ(there, back);
}

TEST(SampleOrder, BalancesClassesAndStillUsesEveryCase) {
  std::vector<std::size_t> cases(100);
  std::vector<std::int32_t> kinds(100);
  for (std::size_t i = 0; i < 100; ++i) {
    cases[i] = i;
    kinds[i] = i < 90 ? 0 : 1;
  }
  SampleOrder const order{cases, kinds, 4};
  std::int64_t rare = 0;
  std::set<std::size_t> seen;
  for (std::int64_t place = 0; place < 200; ++place) {
    rare += order(place) >= 90 ? 1 : 0;
    seen.insert(order(place));
  }
  EXPECT_NEAR(static_cast<double>(rare), 100, 2);
  EXPECT_EQ(seen.size(), 100U);
}

}  // namespace fovea
