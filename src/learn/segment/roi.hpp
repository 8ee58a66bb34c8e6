#pragma once

#include "learn/segment/model.hpp"

namespace fovea {

/// Where a coarse look found something: boxes (k, j, i) of its voxels, at least `margin` mm
/// wider than what is marked (any value but 0) on all sides, as far as the image goes. Pieces
/// that are far from each other have boxes of their own (which may overlap), unless there are
/// more than 32: then one box is around all. None if nothing is marked.
///
/// In      u8 or u16, one channel
/// Throws  Error{usage} unless the margin is above 0
std::vector<WindowBox> boxes_of_interest(Volume const& labels, double margin);

/// A coarse look: a model's windows side by side instead of overlapping, without mirror images,
/// and its boxes of interest with a margin of 20 mm. Throws as segmented.
std::vector<WindowBox> regions_of_interest(Model const& model,
                                           SegmentContract contract,
                                           Volume const& image,
                                           SegmentAsk const& ask);

}  // namespace fovea
