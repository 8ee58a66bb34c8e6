#pragma once

#include "learn/data/layout.hpp"

namespace fovea {

/// COCO's form: .json files with images, annotations and categories, in the folder, in
/// annotations/ or in train, val, test; their names (instances_train2017.json) or folders say
/// the split. Images lie beside the file, in images/, or in a folder of the set. Each category
/// is a label, 1 and up in the order of their numbers; an image without annotations shows none.
/// Where there is val and no test, val counts as test. Files of at most 64 MiB.
/// Throws Error{input} if annotations are broken, files contradict each other in their
/// categories, or no image is there.
std::optional<Dataset> read_coco_layout(fs::path const& root,
                                        ReadOptions const& options,
                                        std::vector<std::string>& nearly);
std::string also_coco_layout(fs::path const& root);

}  // namespace fovea
