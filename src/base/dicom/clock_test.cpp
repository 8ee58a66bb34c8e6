#include "base/dicom/clock.hpp"

#include <gtest/gtest.h>

namespace fovea {
namespace {

TEST(Clock, CountsDaysAndSecondsAsTheCalendarDoes) {
  EXPECT_EQ(seconds_of_date("19700101"), 0);
  EXPECT_EQ(seconds_of_date("20240301").value() - seconds_of_date("20240228").value(),
            2 * 86400);
  EXPECT_EQ(seconds_of_date(" 2024.02.29 "), seconds_of_date("20240229"));
  EXPECT_EQ(seconds_of_time("000000"), 0);
  EXPECT_EQ(seconds_of_time("143005.25"), 14 * 3600 + 30 * 60 + 5.25);
  EXPECT_EQ(seconds_of_time("14:30:05.250000"), seconds_of_time("143005.25"));
  EXPECT_EQ(seconds_of_time("1430 "), 14 * 3600 + 30 * 60);
  EXPECT_EQ(seconds_of_offset("+0530"), 5.5 * 3600);
  EXPECT_EQ(seconds_of_offset("-0100"), -3600);
}

TEST(Clock, ReadsDateTimesWithAndWithoutAZone) {
  auto const plain = date_time_of("20240229235959.5");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->seconds, *seconds_of_date("20240301") - 0.5);
  EXPECT_FALSE(plain->offset);
  auto const zoned = date_time_of("202402291200-0800");
  ASSERT_TRUE(zoned);
  EXPECT_EQ(zoned->offset, -8 * 3600);
}

TEST(Clock, TakesNothingElse) {
  for (auto const* words : {"", "20240230", "20230229", "2024", "202403", "2024-3-01",
                            "0000000x", "20241301", "99999999"})
    EXPECT_FALSE(seconds_of_date(words)) << words;
  for (auto const* words : {"", "14", "240000", "146000", "143061", "1430.5", "143005.",
                            "143005.x", "143005.1234567", "-10000", "14300"})
    EXPECT_FALSE(seconds_of_time(words)) << words;
  for (auto const* words : {"20240229", "2024022914", "20240229143005+01",
                            "20240229143005+0160", "+0100", "20240230143005"})
    EXPECT_FALSE(date_time_of(words)) << words;
}

}  // namespace
}  // namespace fovea
