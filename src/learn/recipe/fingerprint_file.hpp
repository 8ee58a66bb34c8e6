#pragma once

#include "learn/recipe/fingerprint.hpp"
#include "learn/recipe/json_at.hpp"

#include <vector>

namespace fovea {

/// The part that nnU-Net's two files share, by channel "0", "1", …
Json intensities_json(std::vector<IntensityStatistics> const& intensities);
std::vector<IntensityStatistics> read_intensities(JsonAt const& json);

}  // namespace fovea
