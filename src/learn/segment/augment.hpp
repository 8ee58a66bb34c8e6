#pragma once

#include "learn/patch/patch_augment.hpp"
#include "learn/segment/setup.hpp"

namespace fovea {

/// nnU-Net's changes for the plan's patch, with what the plan says otherwise. Throws
/// Error{usage} if an axis to be mirrored is none.
PatchAugment segment_augment(Plan const& plan, SegmentSetup const& setup);

/// Axes k, j, i as 0, 1, 2 that the plan lets be mirrored; k never in two dimensions.
std::vector<int> segment_flips(Plan const& plan, SegmentSetup const& setup);

}  // namespace fovea
