#pragma once

#include "learn/data/layout.hpp"

namespace fovea {

/// A folder with dataset.json of the Medical Segmentation Decathlon or of nnU-Net (v1:
/// "modality" and labels by number; v2: "channel_names", labels by name, regions, "ignore",
/// "file_ending"): imagesTr and labelsTr, imagesTs and, if they are known, labelsTs. Channels
/// lie in one file or in files CASE_0000, CASE_0001, … Cases are those of "dataset" or
/// "training", else what lies in imagesTr. Paths lead nowhere but below the folder. Throws
/// Error{input} if the file is broken: no labels, values that are none, a channel missing,
/// paths that lead out.
///
/// Source  docs of nnU-Net 2.8.1 (dataset_format, region_based_training, ignore_label);
/// Decathlon
std::optional<Dataset> read_nnunet_layout(fs::path const& root,
                                          ReadOptions const& options,
                                          std::vector<std::string>& nearly);
std::string also_nnunet_layout(fs::path const& root);

}  // namespace fovea
