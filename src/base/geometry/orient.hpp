#pragma once

#include "base/geometry/grids.hpp"

#include <string>
#include <string_view>

namespace fovea {

// Voxels set in another order, cut out or framed. No value is computed and every voxel keeps
// its place in the patient, so each is undone exactly.

/// Where i, j and k run to, the nearest of the patient's directions: L or R, P or A, S or I.
/// "LPS" is an upright grid, as DICOM's axial slices; "RAS" is what NIfTI's tools like. Of a
/// turned grid the letters that fit best together. Throws Error{input} as index_map.
std::string axis_code(Grid const& grid);

/// The same voxels with axes swapped and flipped until they run as `code` says; on a turned
/// grid, as near as no interpolation comes. Throws Error{usage} if the code does not name each
/// of the three directions once.
Grid reoriented(Grid const& grid, std::string_view code);
Volume reorient(Volume const& volume, std::string_view code);

/// The same voxels, counted from the other end along an axis (0, 1 or 2). Twice is as before,
/// but for the last bits of the origin. Throws Error{usage} on another axis.
Grid flipped(Grid const& grid, std::size_t axis);
Volume flip(Volume const& volume, std::size_t axis);

/// The same voxels after quarter turns of the array that take axis `from` to where `towards`
/// was and `towards` to the other end of `from`; negative turns go back. Exactly undone by as
/// many the other way. Throws Error{usage} unless both are different axes.
Volume rotate90(Volume const& volume, std::size_t from, std::size_t towards, int turns = 1);

/// The voxels of a box. Throws Error{usage} if it is empty or reaches beyond the grid.
Grid cropped(Grid const& grid, IndexBox const& box);
Volume crop(Volume const& volume, IndexBox const& box);

/// Voxels added before the first and behind the last, all `value` (rounded and held in the
/// type's range). Throws Error{usage} if a number is negative.
Grid padded(Grid const& grid,
            std::array<std::int64_t, 3> before,
            std::array<std::int64_t, 3> behind);
Volume pad(Volume const& volume,
           std::array<std::int64_t, 3> before,
           std::array<std::int64_t, 3> behind,
           double value = 0);

}  // namespace fovea
