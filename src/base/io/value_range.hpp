#pragma once

#include "base/image/volume.hpp"

#include <limits>

namespace fovea {

/// What a volume's values come to, all channels.
struct ValueRange {
  double least = std::numeric_limits<double>::infinity();
  double most = -std::numeric_limits<double>::infinity();
  bool whole = true;  ///< no fractions
};

/// Throws Refusal{not-finite} if a value is no number or infinite.
ValueRange value_range(Volume const& volume);

}  // namespace fovea
