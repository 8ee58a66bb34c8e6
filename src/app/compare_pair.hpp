#pragma once

#include "app/command.hpp"
#include "app/masks.hpp"
#include "base/geometry/surface_distance.hpp"

namespace fovea {

struct CompareOptions {
  TakenAs taken = TakenAs::by_rule;
  SurfaceOptions surface;
};

/// Reads both and adds to `pair`: "kind" (labels or image) and "why", "grid" (how far they are
/// apart), "notes", and either "labels", a row for each, or "intensity". `b` is held for true.
/// Throws Error{input} if they cannot be compared, with what was found until then in `pair`.
void compare_pair(FoundVolume const& a,
                  FoundVolume const& b,
                  CompareOptions const& options,
                  Json& pair);

}  // namespace fovea
