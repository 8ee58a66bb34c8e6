#pragma once

#include "learn/data/dataset.hpp"

namespace fovea {

/// The values that occur in a case's mask, sorted, looked at without its image: for layouts
/// that nobody has told the labels. Throws Refusal as Dataset::mask.
std::vector<std::int32_t> values_in_mask(Dataset const& set, Case const& one);

}  // namespace fovea
