#pragma once

#include "learn/foreign/bundle.hpp"

#include <string>
#include <vector>

namespace fovea {

/// What a bundle's metadata.json says of its network.
struct BundleFacts {
  std::string name, version, description;
  std::vector<std::string> channels;  ///< of an image, by what they show
  std::vector<std::string> outputs;   ///< names, by channel of the network's output
  int dimensions = 3;                 ///< of what it sees
  bool labels_voxels = true;          ///< else its output has no place for each voxel
};

/// Throws Error{input} naming the field if network_data_format, its first input or output, or
/// their numbers of channels are missing or cannot be.
BundleFacts bundle_facts(Bundle const& bundle);
BundleFacts bundle_facts(Json const& metadata, std::string_view what);

/// A value in a bundle's masks and what it stands for.
struct BundleLabel {
  std::int64_t value = 0;
  std::string name;
};
/// What values the masks of a plan can have beside 0: of argmax one for each output but the
/// first, of thresholds one for each channel, behind a function the numbers that it
/// names, beside those from before it where it lets them through; else one for each channel.
std::vector<BundleLabel> bundle_label_names(BundlePlan const& plan, BundleFacts const& facts);

}  // namespace fovea
