#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fovea {

/// A number, or the reason why there is none.
struct Value {
  double value;     ///< NaN if undefined
  std::string why;  ///< empty if defined

  bool defined() const { return why.empty(); }
};
Value undefined(std::string why);
/// above / below; undefined for `why` if below is 0.
Value ratio(double above, double below, std::string const& why);

/// Half the width of a 95 % interval in standard deviations: the normal quantile of 0.975.
constexpr double z95 = 1.959963984540054;

/// P(|Z| >= |z|) of a standard normal Z.
double two_sided_p(double z);
/// P(X >= x) of a chi-squared X with one degree of freedom.
double chi_squared_p(double x);
/// P(X <= hits) of a binomial X with `trials` trials of probability 1/2.
double binomial_half(std::int64_t hits, std::int64_t trials);

/// The quantile of sorted values, with linear interpolation (NumPy's default).
double quantile(std::vector<double> const& sorted, double share);

}  // namespace fovea
