#pragma once

#include "base/image/volume.hpp"
#include "learn/foreign/bundle.hpp"

namespace fovea {

/// What a bundle's steps before the network make of an image, as MONAI 1.6 would: orientation,
/// spacing (first voxel centres stay, edges go on), intensities. Where the nearest voxel is
/// asked for and two are as near, it may be the other one.
///
/// In      any type, any grid
/// Out     f32, on the grid that the network sees
/// Throws  Error{input} if the plan has something missing, or a step's option cannot be
Volume bundle_before(BundlePlan const& plan, Volume const& image);

/// What the steps behind it make of the network's outputs.
///
/// In      f32, a channel for each output, on the grid that bundle_before gave; the image's
/// grid Out     on the image's grid: labels as f32 (one channel, or one for each label), or
///         probabilities if the bundle leaves it at these
/// Throws  Error{input} as bundle_before; if the result is not brought back to the image's grid
/// Memory  holds all outputs on the image's grid where the bundle asks for that
Volume bundle_after(BundlePlan const& plan, Volume const& outputs, Grid const& image);

}  // namespace fovea
