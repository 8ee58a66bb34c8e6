#pragma once

#include "base/image/volume.hpp"
#include "learn/foreign/bundle.hpp"
#include "learn/foreign/bundle_parts.hpp"

namespace fovea {

/// An image as a bundle's network sees it, and the way back.
struct BundleSeen {
  Volume image;                   ///< f32
  std::vector<BundleMove> moves;  ///< what Invert undoes
};

/// What a bundle's steps before the network make of an image, as MONAI 1.6 would: orientation,
/// spacing (first voxel centres stay, or middles on oblique grids of rounded numbers; edges go
/// on), cuts and frames, intensities. Where the
/// nearest voxel is asked for and two are as near, it may be the other one.
///
/// In      any type, any grid
/// Throws  Error{input} if the plan has something missing, or a step's option cannot be
BundleSeen bundle_before(BundlePlan const& plan, Volume const& image);

/// What the steps behind it make of the network's outputs.
///
/// In      f32, a channel for each output, on the grid that bundle_before gave, with its moves;
///         the image's grid
/// Out     on the image's grid: labels as f32 (one channel, or one for each label), or
///         probabilities if the bundle leaves it at these
/// Throws  Error{input} as bundle_before; if the result is not brought back to the image's grid
/// Memory  holds all outputs on the image's grid where the bundle asks for that
Volume bundle_after(BundlePlan const& plan,
                    Volume const& outputs,
                    std::vector<BundleMove> const& moves,
                    Grid const& image);

/// A result as one map of labels, u8 or u16 where a value asks for it. One channel: its values
/// are the labels. Several: of "to_onehot" the channel that is 1; else channel n is written as
/// n + 1, over those before it. Throws Error{input} if values are no labels: probabilities that
/// the bundle left as they are, say.
Volume bundle_label_map(BundlePlan const& plan, Volume const& result);

}  // namespace fovea
