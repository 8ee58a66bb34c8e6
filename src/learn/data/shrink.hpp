#pragma once

#include "base/image/volume.hpp"

#include <vector>

namespace fovea {

/// The mean of an image's channels, averaged over the area of each of width x height cells, row
/// by row. Works for smaller images too (a cell is then part of a pixel).
std::vector<double> shrunken_grey(Volume const& image, std::int64_t width, std::int64_t height);

/// For people to look at: u8, 1 or 3 channels, its longer side at most `most` pixels (area
/// average, proportions kept). Images of 8 bits keep their values; others run from their lowest
/// to their highest value, not-a-number is black.
Volume preview(Volume const& image, std::int64_t most = 192);

}  // namespace fovea
