#include "base/io/value_range.hpp"

#include "base/core/refusal.hpp"

#include <algorithm>
#include <cmath>

namespace fovea {

ValueRange value_range(Volume const& volume) {
  ValueRange out;
  with_type(volume.type(), [&](auto zero) {
    using T = decltype(zero);
    for (auto const raw : volume.as<T>()) {
      auto const value = static_cast<double>(raw);
      if (!std::isfinite(value))
        throw Refusal{"not-finite", "expected finite values, got one that is none",
                      "replace it by a number"};
      out.least = std::min(out.least, value);
      out.most = std::max(out.most, value);
      if constexpr (!std::is_integral_v<T>) out.whole = out.whole && value == std::floor(value);
    }
  });
  return out;
}

}  // namespace fovea
