#pragma once

#include "learn/data/layout.hpp"

namespace fovea {

/// MedMNIST's form: one .npz with train_images (n, h, w) or (n, h, w, 3) and train_labels (n,
/// 1), or (n, L) of 0 and 1 for several labels a case; val_ and test_ likewise. Classes are the
/// numbers that occur as labels.
/// Throws Error{input} if `root` is such a file, or holds one, and its arrays do not fit each
/// other.
std::optional<Dataset> read_npz_layout(fs::path const& root,
                                       ReadOptions const& options,
                                       std::vector<std::string>& nearly);
std::string also_npz_layout(fs::path const& root);

}  // namespace fovea
