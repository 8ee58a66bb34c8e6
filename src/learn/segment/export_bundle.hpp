#pragma once

#include "learn/model/bundle.hpp"
#include "learn/segment/model.hpp"

namespace fovea {

/// A segmenter as a MONAI bundle that MONAI runs from image to mask: the contract in MONAI's
/// transforms, its windows as SlidingWindowInferer (SliceInferer for networks of two
/// dimensions), mirror images and order of axes inside models/model.ts.
///
/// Masks are those of `segmented` within rounding where nothing is resampled and windows fall
/// together; MONAI lays windows a whole step apart, weighs them about half a voxel off, and
/// interpolates images linearly where we take a spline.
///
/// One channel that is normalised inside the foreground becomes NormalizeIntensityd(nonzero):
/// zeros that the foreground encloses count for us and not for MONAI.
///
/// Throws Error{usage} if the model is an ensemble, or if it has several channels and one of
/// them is normalised inside the foreground of all, which no transform of MONAI's does;
/// Error{input} as segment_contract
BundleParts segment_bundle(Model const& model);

}  // namespace fovea
