#pragma once

#include "base/image/grid.hpp"

#include <optional>
#include <string_view>

namespace fovea {

/// The furthest that a voxel's centre in one grid is from the same voxel's in the other, mm.
/// None if they have different sizes.
std::optional<double> apart_mm(Grid const& a, Grid const& b);

/// Whether voxels of both are the same places: equal sizes and at most a hundredth of the
/// smallest spacing apart, which is what files with rounded numbers differ by.
bool same_places(Grid const& a, Grid const& b);

/// Throws Error{input} unless same_places, saying how far they are apart: `names` are theirs,
/// as "the mask and the image".
void expect_same_places(Grid const& a, Grid const& b, std::string_view names);

}  // namespace fovea
