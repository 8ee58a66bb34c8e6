#pragma once

#include "app/found.hpp"
#include "base/finding/label_map.hpp"

namespace fovea {

/// How `convert` writes structures.
struct StructuresOptions {
  fs::path file;     ///< an RT structure set
  fs::path out;      ///< a file whose ending says the format
  std::string like;  ///< the series or volume onto whose grid they are drawn
  bool sidecar = false, json = false;
  bool leave_off_plane = false;  ///< contours between slices are left out
};

/// Draws the contours onto the grid, writes the label map and, if asked for, what its values
/// mean beside it; prints what it did. Returns the exit code. Throws Error{usage} if there is
/// not one volume to draw onto; as label_map_of and write_volume.
int convert_structures(StructuresOptions const& options, Stop const& stop);

/// {"structures": [{"value", "layer", "name", "made_by", "colour", "code"}]}
Json to_json(LabelMap const& map);

}  // namespace fovea
