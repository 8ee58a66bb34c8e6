#pragma once

#include "learn/task/task.hpp"

namespace fovea {

/// Where in the image the voxels of a structure come from, in the slice through the middle of
/// its largest extent: Seg-Grad-CAM and the other methods, asked about the mean logit of the
/// voxels that were found.
///
/// Source  Vinogradova et al., AAAI 2020
/// Throws  Error{usage} on an unknown label or method; Error{input} if nothing of it was found
Explanation segment_explain(Model const& model,
                            Volume const& image,
                            ExplainOptions const& options);

}  // namespace fovea
