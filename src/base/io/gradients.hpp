#pragma once

#include "base/geometry/affine.hpp"
#include "base/image/grid.hpp"
#include "base/io/dicom_moment.hpp"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace fovea {

/// The b-values and gradients of the volumes of a diffusion image, as FSL reads them: the text
/// of a .bval and of a .bvec file.
struct GradientTable {
  std::string b_values;    ///< s/mm2, one for each volume
  std::string directions;  ///< three lines: along i, j and k; empty if they are not certain
  std::string unsure;      ///< then why
};

/// None if no volume is diffusion-weighted, or some do not say whether they are.
///
/// Directions run along the axes of `grid`, on which the image is written; i is turned where
/// the axes are right-handed (the determinant of the affine is above 0), as FSL has it. Volumes
/// of b 0 have the direction 0. They are unsure if a volume of b above 0 has no direction or
/// one that is no unit vector (0.01), or if the grid is sheared.
std::optional<GradientTable> gradient_table(std::span<DicomMoment const> volumes,
                                            Grid const& grid);

/// What becomes of gradients when `map` moves the image that they belong to (the value at a
/// place is what was at map(place)): they turn with it, by the rotation nearest to its matrix.
/// Source: finite strain (Alexander et al. 2001), the polar decomposition by Higham 1986.
std::vector<DicomMoment> moved(std::span<DicomMoment const> volumes, Affine const& map);

}  // namespace fovea
