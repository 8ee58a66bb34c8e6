#include "base/dicom/clock.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>

namespace fovea {
namespace {

bool clock_digits(std::string_view words) {
  return std::ranges::all_of(words, [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<int> clock_whole(std::string_view words, int most) {
  if (words.empty() || !clock_digits(words)) return std::nullopt;
  int out = 0;
  for (auto const digit : words) out = 10 * out + (digit - '0');
  return out <= most ? std::optional{out} : std::nullopt;
}

std::string clock_without(std::string_view words, char mark) {
  std::string out{trimmed(words)};
  std::erase(out, mark);
  return out;
}

constexpr double clock_minute = 60, clock_hour = 3600;

}  // namespace

std::optional<double> seconds_of_date(std::string_view date) {
  auto words = std::string{trimmed(date)};
  if (words.size() == 10 && words[4] == '.' && words[7] == '.') std::erase(words, '.');
  if (words.size() != 8 || !clock_digits(words)) return std::nullopt;
  auto const part = [&](std::size_t at, std::size_t count) {
    return *clock_whole(std::string_view{words}.substr(at, count), 9999);
  };
  std::chrono::year_month_day const day{std::chrono::year{part(0, 4)},
                                        std::chrono::month{static_cast<unsigned>(part(4, 2))},
                                        std::chrono::day{static_cast<unsigned>(part(6, 2))}};
  if (!day.ok()) return std::nullopt;
  constexpr double seconds = 86400;
  return seconds * static_cast<double>(std::chrono::sys_days{day}.time_since_epoch().count());
}

std::optional<double> seconds_of_time(std::string_view time) {
  auto const words = clock_without(time, ':');
  auto const point = std::min(words.find('.'), words.size());
  auto const whole_part = std::string_view{words}.substr(0, point);
  if (whole_part.size() != 4 && whole_part.size() != 6) return std::nullopt;
  if (whole_part.size() == 4 && point != words.size()) return std::nullopt;
  auto const hour = clock_whole(whole_part.substr(0, 2), 23);
  auto const minute = clock_whole(whole_part.substr(2, 2), 59);
  auto const second =
      whole_part.size() == 6 ? clock_whole(whole_part.substr(4), 60) : std::optional{0};
  if (!hour || !minute || !second) return std::nullopt;
  auto const parts = std::string_view{words}.substr(point);
  if (parts.size() > 7 || parts.size() == 1 ||
      (!parts.empty() && !clock_digits(parts.substr(1))))
    return std::nullopt;
  auto const fraction = parts.empty() ? 0.0 : number(text("0", parts)).value_or(0);
  return *hour * clock_hour + *minute * clock_minute + *second + fraction;
}

std::optional<double> seconds_of_offset(std::string_view words) {
  words = trimmed(words);
  if (words.size() != 5 || (words[0] != '+' && words[0] != '-')) return std::nullopt;
  auto const hours = clock_whole(words.substr(1, 2), 14);
  auto const minutes = clock_whole(words.substr(3), 59);
  if (!hours || !minutes) return std::nullopt;
  auto const seconds = *hours * clock_hour + *minutes * clock_minute;
  return words[0] == '-' ? -seconds : seconds;
}

std::optional<DateTime> date_time_of(std::string_view words) {
  words = trimmed(words);
  auto const sign = std::min(words.find_first_of("+-"), words.size());
  DateTime out;
  if (sign < words.size()) {
    out.offset = seconds_of_offset(words.substr(sign));
    if (!out.offset) return std::nullopt;
  }
  if (sign < 12) return std::nullopt;
  auto const date = seconds_of_date(words.substr(0, 8));
  auto const time = seconds_of_time(words.substr(8, sign - 8));
  if (!date || !time) return std::nullopt;
  out.seconds = *date + *time;
  return out;
}

}  // namespace fovea
