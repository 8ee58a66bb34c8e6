#pragma once

#include <string>
#include <vector>

namespace fovea {

/// Where a chart's axis has its marks: multiples of 1, 2 or 5 times a power of ten.
struct Ticks {
  std::vector<double> values;
  double step = 1;
  double low = 0, high = 1;  ///< the ends of the axis
};

/// About `count` marks inside [low, high]. `widen`: the ends move out to the next marks.
/// `least_step`: 1 for axes that count. Ends that are equal, in the wrong order or not finite
/// are moved apart; never throws.
Ticks ticks(double low, double high, int count, bool widen, double least_step = 0);

/// As many digits as the step needs: 0.25 on steps of 0.05, 1.5e6 on steps of 500 000.
std::string tick_label(double value, Ticks const& ticks);

/// About four significant digits: for hover texts. "–" if it is not finite.
std::string short_number(double value);

/// At most so many letters (UTF-8), the last of them "…" if some were cut off.
std::string shortened(std::string const& words, std::size_t letters);

}  // namespace fovea
