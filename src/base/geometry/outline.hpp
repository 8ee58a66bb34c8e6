#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace fovea {

/// A closed line in the plane of a slice, in voxels: (i, j), whole numbers are centres. The
/// last point is joined with the first.
using Outline = std::vector<std::array<double, 2>>;

/// Voxels of one row that lie beside each other: from `first` to before `end`.
struct OutlineRun {
  std::int64_t row = 0, first = 0, end = 0;
};

/// What outlines enclose on a slice: a voxel belongs to it if its centre lies inside an odd
/// number of them (even-odd rule), so a line inside another one is a hole, and a line that
/// leads to a hole and back (keyhole) encloses nothing.
///
/// Points are taken to 2^-20 of a voxel; what follows is whole numbers, so the answer is exact
/// and does not hang on the direction or order of the lines. A centre that lies on a line
/// belongs to the side of higher i, or where the line runs along the row, of higher j: an edge
/// shared by two neighbours is counted once.
class OutlineFill {
 public:
  /// A slice of so many voxels. Throws Error{resource} if there is no memory for a byte each.
  OutlineFill(std::int64_t width, std::int64_t height);

  /// Lines may leave the slice. Throws Error{input} if a coordinate is beyond 2^31 or no
  /// number.
  void add(std::span<std::array<double, 2> const> outline);
  /// What is inside, in the order of the voxels; then begins anew.
  std::vector<OutlineRun> take();

 private:
  void add_edge(std::array<std::int64_t, 2> a, std::array<std::int64_t, 2> b);

  std::int64_t width_, height_;
  std::int64_t first_row_, end_row_;   // that an edge crosses
  std::vector<std::uint8_t> crossed_;  // an odd number of times, left of this voxel
};

/// The outlines of what is not 0 in a slice of `width` voxels a row: they follow the faces
/// between voxels, half a voxel from every centre, so they enclose exactly the area of the
/// voxels, and OutlineFill makes the same slice of them. Voxels that touch at a corner only are
/// apart. Holes are joined to the line around them along faces (keyhole): no outline lies
/// inside another one's area, so readers that fill each by itself come to the same.
std::vector<Outline> outlines_of(std::span<std::uint8_t const> slice, std::int64_t width);

}  // namespace fovea
