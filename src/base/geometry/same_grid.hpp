#pragma once

#include "base/image/grid.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace fovea {

/// The furthest that a voxel's centre in one grid is from the same voxel's in the other, mm.
/// None if they have different sizes.
std::optional<double> apart_mm(Grid const& a, Grid const& b);

/// Whether voxels of both are the same places: equal sizes and at most a hundredth of the
/// smallest spacing apart, which is what files with rounded numbers differ by.
bool same_places(Grid const& a, Grid const& b);

/// Where the first voxel of `part` is in the array of `whole`, if all its voxels are places of
/// that array or of its continuation on all sides; as near as for same_places. Parts of one
/// series, say: a segmentation may leave out slices without a segment. Throws as index_of.
std::optional<std::array<std::int64_t, 3>> offset_in(Grid const& whole, Grid const& part);

/// Throws Error{input} unless same_places, saying how far they are apart: `names` are theirs,
/// as "the mask and the image".
void expect_same_places(Grid const& a, Grid const& b, std::string_view names);

}  // namespace fovea
