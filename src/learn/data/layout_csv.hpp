#pragma once

#include "learn/data/layout.hpp"

namespace fovea {

/// A table with a column for the image (path, file, image, filename) and one for the label
/// (label, class, target, diagnosis), or one column of 1, 0 and empty (unknown; also -1) for
/// each of several labels (an empty label, NA, N/A or nan: unknown); optional: split, patient,
/// weight. Paths are relative to the table's folder, its image folder or its parent, with or
/// without ending; "set.npz#train_images/17" is a row of an array. train.csv, val.csv and
/// test.csv beside each other are one set. Throws Error{input} with the row's number (the
/// header is row 1) on an unknown split, a weight that is none or above a million, or a table
/// that was named and cannot be used.
std::optional<Dataset> read_csv_layout(fs::path const& root,
                                       ReadOptions const& options,
                                       std::vector<std::string>& nearly);
std::string also_csv_layout(fs::path const& root);

}  // namespace fovea
