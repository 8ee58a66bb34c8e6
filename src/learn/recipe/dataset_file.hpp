#pragma once

#include "base/core/json.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fovea {

/// What masks show: a label, or a region of several values.
struct DatasetFileLabel {
  std::string name;
  std::vector<std::int32_t> values;  ///< of a mask's voxels, sorted, from 1 to 65535
  std::int32_t written = 0;          ///< its value where answers are written as one label map

  bool operator==(DatasetFileLabel const&) const = default;
};

/// What dataset.json of nnU-Net or of the Medical Segmentation Decathlon says of images and
/// masks; where they lie is for those who look for them.
struct DatasetFile {
  std::vector<std::string> channels;     ///< "CT", "T2": what each one shows; empty: not said
  std::vector<DatasetFileLabel> labels;  ///< without background and ignored voxels
  std::optional<std::int32_t> ignore;    ///< a mask's value that says nothing of its voxels
  std::string ending = ".nii.gz";        ///< of image files
  /// Labels cover several values or share one: each is a yes or no of its own, painted in their
  /// order, later ones over earlier ones.
  bool regions = false;
};

/// Labels by name ("liver": 1, "tumour": [2, 3], "ignore": 4; regions with
/// "regions_class_order"), in the order of the file, or by number ("1": "liver"), sorted.
/// Throws Error{input} naming `what` and the key on anything else: no label above 0, values
/// that are none, a name twice, a channel left out.
///
/// Source  docs of nnU-Net 2.8.1 (dataset_format, region_based_training, ignore_label);
/// Decathlon
DatasetFile read_dataset_file(Json const& json, std::string_view what);

/// The same as read_dataset_file reads it. Throws Error{input} if a label is called "ignore" or
/// "background", which mean something else there.
Json dataset_file_json(DatasetFile const& file);

}  // namespace fovea
