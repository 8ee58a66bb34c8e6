#pragma once

#include "app/found.hpp"
#include "base/finding/label_map.hpp"

#include <optional>
#include <string>
#include <vector>

namespace fovea {

/// How what is not a segmentation by its format is taken.
enum class TakenAs { by_rule, labels, image };

/// A volume that was read, and what it is taken for.
struct Content {
  ImageFile image;
  std::optional<LabelMap> map;  ///< if it is a label map; whole, of u8 or u16
  /// A segmentation: what it has no frame for is not marked, so it may be smaller than its
  /// image.
  bool partial = false;
  std::string why;  ///< it is one, or is none: for people
  std::vector<std::string> notes;
};

/// Reads it. A DICOM segmentation is a label map whatever is asked for, with the names that it
/// gives; fractional ones are cut at a half, which a note says. By the rule any other volume is
/// one if all its voxels are whole numbers from 0 to 65535, at most 64 different ones, and no
/// colours. Throws as the readers do; Error{input} if it is to be labels and has others.
Content content_of(FoundVolume const& volume, TakenAs taken);

/// What of the inputs is no refused volume; of the others it warns. Throws Error{input} if
/// there is none.
std::vector<FoundVolume> usable_volumes(Found& found,
                                        std::string const& input,
                                        Stop const& stop);

/// A volume on a grid whose voxels are places of its own array, in whatever order and direction
/// its axes run: voxels are copied, beyond the volume they are 0 if `padded`. None if the
/// places are others, or some lie beyond and it is not to be padded.
std::optional<Volume> cut_to(Volume const& volume, Grid const& grid, bool padded);

/// A point or three numbers for JSON.
Json to_json(Point const& point);

}  // namespace fovea
