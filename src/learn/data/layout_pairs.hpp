#pragma once

#include "learn/data/layout.hpp"

namespace fovea {

/// A folder of images and one of masks (images or imgs; labels, masks, segmentations or
/// annotations), paired by name; a mask may carry _mask, _seg, _label or the like behind it.
/// Splits: folders train, val, test above the two or below each of them, or lists train.txt,
/// val.txt, test.txt of names beside them. Where there is val and no test, val counts as test.
/// Throws Error{input} if no name of one folder is in the other, or a list names what is not
/// there.
std::optional<Dataset> read_pairs_layout(fs::path const& root,
                                         ReadOptions const& options,
                                         std::vector<std::string>& nearly);
std::string also_pairs_layout(fs::path const& root);

}  // namespace fovea
