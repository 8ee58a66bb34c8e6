#include "learn/metric/statistics.hpp"

#include <cmath>
#include <limits>
#include <numbers>

namespace fovea {
namespace {

// std::lgamma writes a global (signgam): not for threads. Of whole numbers a sum is exact
// enough, and the terms of a binomial follow from each other.
double statistics_log_factorial(std::int64_t n) {
  if (n < 64) {
    double sum = 0;
    for (std::int64_t i = 2; i <= n; ++i) sum += std::log(static_cast<double>(i));
    return sum;
  }
  // Stirling's series; its next term is below 1e-15 from here on.
  auto const x = static_cast<double>(n) + 1;
  auto const i = 1 / x;
  auto const tail = i * (1.0 / 12 - i * i * (1.0 / 360 - i * i * (1.0 / 1260 - i * i / 1680)));
  return (x - 0.5) * std::log(x) - x + 0.5 * std::log(2 * std::numbers::pi) + tail;
}

}  // namespace

Value undefined(std::string why) {
  return {std::numeric_limits<double>::quiet_NaN(), std::move(why)};
}

Value ratio(double above, double below, std::string const& why) {
  if (below == 0) return undefined(why);
  return {above / below, {}};
}

double two_sided_p(double z) {
  return std::erfc(std::abs(z) / std::numbers::sqrt2);
}

double chi_squared_p(double x) {
  return std::erfc(std::sqrt(x / 2));
}

double binomial_half(std::int64_t hits, std::int64_t trials) {
  if (hits >= trials) return 1;
  if (hits < 0) return 0;
  auto const logged = statistics_log_factorial(trials) - statistics_log_factorial(hits) -
                      statistics_log_factorial(trials - hits) -
                      static_cast<double>(trials) * std::numbers::ln2;
  // From the largest term of the lower tail downwards, until they no longer count.
  auto term = 1.0;
  auto sum = 0.0;
  for (auto k = hits; k >= 0 && term > sum * 1e-17; --k) {
    sum += term;
    term *= static_cast<double>(k) / static_cast<double>(trials - k + 1);
  }
  return std::exp(logged) * sum;
}

double quantile(std::vector<double> const& sorted, double share) {
  auto const place = share * static_cast<double>(sorted.size() - 1);
  auto const at = static_cast<std::size_t>(place);
  if (at + 1 >= sorted.size()) return sorted.back();
  return std::lerp(sorted[at], sorted[at + 1], place - static_cast<double>(at));
}

}  // namespace fovea
