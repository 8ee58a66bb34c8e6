#pragma once

#include <optional>
#include <string_view>

namespace fovea {

/// Seconds since 1970-01-01 00:00, by the clock on the wall: comparable inside one place.
/// "20240229", or "2024.02.29" as files before 1993 have it. None if it is no day.
std::optional<double> seconds_of_date(std::string_view date);

/// Seconds since midnight: "143005.25", "1430", "14:30:05". None if it is no time of a day, or
/// says the hour only, which is too coarse for all that is computed from it.
std::optional<double> seconds_of_time(std::string_view time);

struct DateTime {
  double seconds = 0;              ///< since 1970-01-01 00:00, by the clock of its own zone
  std::optional<double> offset{};  ///< of that zone from UTC in seconds, if it is said
};

/// "20240229143005.25+0100". None if it is none, or does not go down to minutes.
std::optional<DateTime> date_time_of(std::string_view words);

/// "+0100" or "-0530" in seconds. None if it is no offset from UTC.
std::optional<double> seconds_of_offset(std::string_view words);

}  // namespace fovea
