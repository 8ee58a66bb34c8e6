#pragma once

#include "base/core/json.hpp"
#include "base/finding/label_map.hpp"

#include <cstddef>
#include <vector>

namespace fovea {

/// What structures are, as the segmentations that were learnt from describe them: category,
/// type, side, site, colour; the rest of a segment is not kept. `null` where the type is not
/// known.
Json codes_json(std::vector<Segment> const& described);
/// Empty of a model that says nothing. Throws Error{input} if it is damaged, or of another
/// number of structures.
std::vector<Segment> read_codes(Json const& json, std::size_t structures);

}  // namespace fovea
