#pragma once

#include "base/finding/label_map.hpp"

#include <string>
#include <vector>

namespace fovea {

/// What a user says of one value of a mask.
struct LabelName {
  std::int64_t layer = 0;  ///< counted from 1; 0: not said
  std::int64_t value = 0;
  Segment segment{};  ///< name, codes, colour
};

/// Of --labels: each a JSON file, or VALUE=NAME, or LAYER:VALUE=NAME.
///
/// JSON     {"1": "Liver", "2": {"name", "category", "type", "colour"}}; {"liver": 1};
///          {"labels": {...}} of nnU-Net's dataset.json, whose 0 is left out
/// Throws   Error{usage, input} with what was expected
std::vector<LabelName> read_label_names(std::vector<std::string> const& words);

/// Gives the segments of a map their names and codes. A value that nobody named keeps its
/// number for a name; a name whose value no voxel has becomes a segment without voxels. With
/// several layers of one segment each, a bare number is the layer's. Throws Error{usage} if a
/// value is named twice, or it is not said in which of several layers it lies.
void name_segments(LabelMap& map, std::vector<LabelName> const& names);

}  // namespace fovea
