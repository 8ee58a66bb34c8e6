#pragma once

#include "learn/recipe/preprocess.hpp"
#include "learn/segment/model.hpp"

namespace fovea {

// What the second stage of a cascade sees of the first one's masks.

/// The values of a model's masks but the background's.
std::vector<std::uint16_t> found_values(SegmentContract const& contract);

/// A mask as further channels of a prepared case: one of 0 and 1 for each value. Labels: one
/// channel of i8 or i16 on the case's voxels. Throws Error{bug} if their sizes differ.
WindowSource with_found(WindowSource image,
                        Volume const& labels,
                        std::vector<std::uint16_t> const& values);

/// A case as a model's networks take it.
struct SegmentInput {
  PreparedCase prepared;  ///< labels: the first stage's mask, if there is one
  WindowSource source;    ///< of the image and of what the first stage found
};
/// Asks the first stage, if the model has one. Image: as segment_image gives it. Throws as
/// segmented; Error{input} if the model lacks its first stage.
SegmentInput segment_input(Model const& model,
                           SegmentContract const& contract,
                           Volume const& image,
                           SegmentAsk const& ask);

}  // namespace fovea
