#pragma once

#include "base/image/volume.hpp"

#include <cstdint>
#include <optional>

namespace fovea {

/// How two masks overlap, by voxels. `a` is what is judged, `b` what is held for true.
struct Overlap {
  std::int64_t a = 0, b = 0, both = 0;

  // None where the question has no answer: both empty, or nothing to find.
  std::optional<double> dice() const;               ///< 2 both / (a + b)
  std::optional<double> jaccard() const;            ///< both / (a + b - both)
  std::optional<double> sensitivity() const;        ///< both / b: of the true ones, those found
  std::optional<double> precision() const;          ///< both / a: of those found, the true ones
  std::optional<double> volume_difference() const;  ///< (a - b) / b; above 0: too much
};

/// Of two masks of u8, 0 outside and 1 inside. Throws Error{input} if their voxels are not the
/// same places.
Overlap overlap_of(Volume const& a, Volume const& b);

}  // namespace fovea
