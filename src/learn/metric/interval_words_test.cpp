#include "learn/metric/interval_words.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace fovea {
namespace {

TEST(IntervalWords, SayValueAndRangeOrWhyThereIsNone) {
  constexpr auto none = std::numeric_limits<double>::quiet_NaN();
  struct Row {
    Interval interval;
    std::string value, range, both;
  };
  for (auto const& row : {
           Row{{.value = 0.98449, .low = 0.975, .high = 0.9931},
               "0.984",
               "0.975 to 0.993",
               "0.984\n(0.975 to 0.993)"},
           Row{{.value = 1, .low = 1, .high = 1}, "1.000", "no spread", "1.000\n(no spread)"},
           Row{{.value = 0.5, .low = none, .high = none}, "0.500", "", "0.500"},
           Row{{.value = none, .low = 0, .high = 1, .defined = false, .why = "no case"},
               "not defined: no case",
               "",
               "not defined: no case"},
       }) {
    EXPECT_EQ(value_in_words(row.interval), row.value);
    EXPECT_EQ(range_in_words(row.interval), row.range);
    EXPECT_EQ(in_words(row.interval), row.both);
  }
}

}  // namespace
}  // namespace fovea
