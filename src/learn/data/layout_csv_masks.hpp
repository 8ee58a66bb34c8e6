#pragma once

#include "learn/data/layout.hpp"

namespace fovea {

/// A table with a column of images (image, path, file, filename) and one of masks (mask,
/// mask_path, segmentation; or label, if it names image files); optional: image_2, image_3, …
/// (further channels), field_of_view, second_reader, split, patient, weight. Paths are relative
/// to the table's folder. Splits are kept as they are written. LIST.json beside a single
/// LIST.csv, as nnU-Net's dataset.json, says what labels and channels are. Throws Error{input}
/// if `root` is such a table and no row has both files, or a cell is no split or weight.
std::optional<Dataset> read_csv_masks_layout(fs::path const& root,
                                             ReadOptions const& options,
                                             std::vector<std::string>& nearly);
std::string also_csv_masks_layout(fs::path const& root);

}  // namespace fovea
