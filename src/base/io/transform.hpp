#pragma once

#include "base/core/file.hpp"
#include "base/geometry/warp.hpp"
#include "base/io/image_file.hpp"

#include <string>
#include <string_view>

namespace fovea {

/// An affine map in a text.
///
/// ITK    "#Insight Transform File V1.0", what SimpleITK and ANTs write as .tfm or .txt, of 3
///        dimensions: Affine, MatrixOffsetTransformBase, Translation, Identity, Euler3D,
///        VersorRigid3D; a Composite of these, of which the last is done first
/// plain  4 x 4 numbers, or their first three rows, between blanks or commas: row by row, LPS,
/// mm
///
/// Throws Refusal: not-a-transform, unsupported-transform, bad-transform (numbers that are
/// missing, too many or not finite; a last row other than 0 0 0 1), too-large (above 64 KiB)
Affine decode_affine(std::string_view words, std::string_view name);

/// The map in a file: an affine one as decode_affine, or a field of displacements as an image
/// of any format with three components (mm, LPS; NIfTI's with intent 1006 are RAS and are
/// turned). Throws as decode_affine, as read_volume, and as Displacement.
Warp read_warp(fs::path const& file, ImageLimits const& limits = {});

/// ITK's text, which reads back as the same map: AffineTransform_double_3_3.
std::string encode_affine(Affine const& affine);

}  // namespace fovea
