#pragma once

#include "learn/metric/rows.hpp"

#include <string>

namespace fovea {

/// "0.975 to 0.993"; empty where there is none, "no spread" where it tells nothing.
std::string range_in_words(Interval const& interval);
/// "0.984", or "not defined: no case of 'a'".
std::string value_in_words(Interval const& interval);
/// For a table: the value, the interval in brackets on the line below.
std::string in_words(Interval const& interval);

}  // namespace fovea
