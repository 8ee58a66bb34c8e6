#pragma once

#include "learn/data/layout.hpp"

namespace fovea {

/// Pascal VOC's form: JPEGImages/, SegmentationClass/ (palette PNGs whose indices are the
/// labels, 255 is ignored) and ImageSets/Segmentation/ with train.txt, val.txt, test.txt;
/// without these, all that have a mask. Where there is val and no test, val counts as test.
/// Throws Error{input} if no mask has an image, or lists contradict each other.
std::optional<Dataset> read_voc_layout(fs::path const& root,
                                       ReadOptions const& options,
                                       std::vector<std::string>& nearly);
std::string also_voc_layout(fs::path const& root);

}  // namespace fovea
