#pragma once

#include "learn/segment/bundle.hpp"

namespace fovea {

/// The network's outputs for a whole image, as the bundle's inferer goes over it: all at once,
/// or by windows as MONAI's sliding_window_inference lays, weighs and sums them.
///
/// In      f32 as bundle_before gives it; the grid that its outputs may come back to
/// Out     f32, a channel for each output, on the image's grid
/// Throws  as bundle_masks
Volume bundle_outputs(BundleModel const& model,
                      Volume const& image,
                      Grid const& back,
                      SegmentAsk const& ask);

}  // namespace fovea
