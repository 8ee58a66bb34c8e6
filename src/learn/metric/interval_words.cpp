#include "learn/metric/interval_words.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"

#include <cmath>

namespace fovea {
namespace {

constexpr int interval_digits = 3;

}  // namespace

std::string range_in_words(Interval const& interval) {
  if (!interval.defined || !std::isfinite(interval.low)) return {};
  if (interval.low == interval.high) return "no spread";
  return text(fixed(interval.low, interval_digits), " to ",
              fixed(interval.high, interval_digits));
}

std::string value_in_words(Interval const& interval) {
  return interval.defined ? fixed(interval.value, interval_digits)
                          : text("not defined: ", interval.why);
}

std::string in_words(Interval const& interval) {
  auto const range = range_in_words(interval);
  return value_in_words(interval) + (range.empty() ? "" : text("\n(", range, ")"));
}

}  // namespace fovea
