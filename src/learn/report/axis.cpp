#include "learn/report/axis.hpp"

#include "base/core/words.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace fovea {
namespace {

std::string axis_trimmed_zeros(std::string digits) {
  if (digits.find('.') == std::string::npos) return digits;
  digits.erase(digits.find_last_not_of('0') + 1);
  if (digits.ends_with('.')) digits.pop_back();
  return digits == "-0" ? "0" : digits;
}

// "1.5e6": shorter than printf's 1.5e+06, and what a person would write.
std::string axis_scientific(double value, int digits) {
  std::array<char, 64> out{};
  auto const end = std::to_chars(out.data(), out.data() + out.size(), value,
                                 std::chars_format::scientific, digits)
                       .ptr;
  std::string const all{out.data(), end};
  auto const cut = all.find('e');
  return axis_trimmed_zeros(all.substr(0, cut)) + "e" +
         std::to_string(whole(all.substr(cut + 1)).value_or(0));
}

double axis_nice_step(double span, int count) {
  auto const rough = span / std::max(1, count);
  auto const ten = std::pow(10, std::floor(std::log10(rough)));
  for (auto const factor : {1.0, 2.0, 5.0}) {
    if (factor * ten >= rough * 0.999) return factor * ten;
  }
  return 10 * ten;
}

int axis_digits(double step) {
  return std::max(0, static_cast<int>(-std::floor(std::log10(step) + 1e-9)));
}

}  // namespace

Ticks ticks(double low, double high, int count, bool widen, double least_step) {
  constexpr double huge = 1e150;  // differences of what is drawn must not overflow
  low = std::isfinite(low) ? std::clamp(low, -huge, huge) : 0;
  high = std::isfinite(high) ? std::clamp(high, -huge, huge) : low + 1;
  if (high < low) std::swap(low, high);
  auto const large = std::max(std::abs(low), std::abs(high));
  if (high - low <= large * 1e-9) {
    auto const room = large == 0 ? 0.5 : large * 0.05;
    low -= room;
    high += room;
  }
  Ticks out;
  out.step = std::max(axis_nice_step(high - low, count), least_step);
  auto const slack = widen ? -1e-6 : 1e-6;
  auto first = low / out.step;
  auto last = high / out.step;
  first = widen ? std::floor(first - slack) : std::ceil(first - slack);
  last = widen ? std::ceil(last + slack) : std::floor(last + slack);
  for (auto at = first; at <= last; ++at) out.values.push_back(at * out.step);
  out.low = widen ? first * out.step : low;
  out.high = widen ? last * out.step : high;
  return out;
}

std::string tick_label(double value, Ticks const& ticks) {
  auto const large = std::max(std::abs(ticks.low), std::abs(ticks.high));
  if (std::abs(value) < ticks.step * 1e-6) return "0";
  if (large >= 1e6 || ticks.step < 1e-5)
    return axis_scientific(
        value, axis_digits(ticks.step / std::pow(10, std::floor(std::log10(std::abs(value))))));
  return fixed(value, axis_digits(ticks.step));
}

std::string short_number(double value) {
  if (!std::isfinite(value)) return "–";
  auto const size = std::abs(value);
  if (size == 0) return "0";
  if (size >= 1e7 || size < 1e-4) return axis_scientific(value, 3);
  return axis_trimmed_zeros(
      fixed(value, std::max(0, 3 - static_cast<int>(std::floor(std::log10(size))))));
}

std::string shortened(std::string const& words, std::size_t letters) {
  std::size_t seen = 0;
  std::size_t cut = 0;  // behind the letter before the last that fits
  for (std::size_t i = 0; i < words.size(); ++i) {
    if ((static_cast<unsigned char>(words[i]) & 0xC0) == 0x80) continue;
    if (++seen == letters) cut = i;
    if (seen > letters) return words.substr(0, cut) + "…";
  }
  return words;
}

}  // namespace fovea
