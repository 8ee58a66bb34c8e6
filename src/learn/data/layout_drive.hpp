#pragma once

#include "learn/data/layout.hpp"

namespace fovea {

/// DRIVE's own form: training/ and test/, in each images/ (colour photographs of the retina),
/// 1st_manual/ (vessels), mask/ (the field of view) and, in test, 2nd_manual/ (a second
/// person's, kept as Case::second_reader); files belong together by the number that their names
/// begin with. One of the two folders alone is read as well. Images without 1st_manual are left
/// out. Throws Error{input} if folders are so named and no number of images and 1st_manual
/// agrees.
std::optional<Dataset> read_drive_layout(fs::path const& root,
                                         ReadOptions const& options,
                                         std::vector<std::string>& nearly);
std::string also_drive_layout(fs::path const& root);

}  // namespace fovea
