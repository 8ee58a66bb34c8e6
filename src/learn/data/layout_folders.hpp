#pragma once

#include "learn/data/layout.hpp"

namespace fovea {

/// One folder for each class, its name is the class; train, val and test folders may stand
/// above them, and each class folder may hold one more level of folders. Hidden files are
/// skipped, files that are no pictures are counted in a note. A folder that holds nothing but
/// one folder of such a form (as unpacked archives do) is looked through.
std::optional<Dataset> read_folders_layout(fs::path const& root,
                                           ReadOptions const& options,
                                           std::vector<std::string>& nearly);
std::string also_folders_layout(fs::path const& root);

}  // namespace fovea
