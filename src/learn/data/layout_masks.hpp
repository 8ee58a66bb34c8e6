#pragma once

#include "learn/data/layout.hpp"
#include "learn/recipe/dataset_file.hpp"

#include <map>

// What the layouts of masks share; not for those who only read data sets.
namespace fovea {

/// The name without the ending of an image format: "case.1" of "case.1.nii.gz"; empty if it
/// ends as none. The voxels of a header (.img beside .hdr) are no file of their own.
std::string image_stem(fs::path const& file);

/// The images of a folder by their stems, in natural order. Where two files share a stem the
/// first is taken and the other named in `twice`. Nothing of a folder that is not there.
struct NaturalLess {
  bool operator()(std::string const& a, std::string const& b) const;
};
using ImagesByStem = std::map<std::string, fs::path, NaturalLess>;
ImagesByStem images_in(fs::path const& folder, std::vector<std::string>& twice);

/// One label for one value.
MaskLabel mask_label(std::string name, std::int32_t value);

/// Fills in the labels of a set that declares none: those that root/labels.txt names (a value
/// and a name in each line, "1 anterior"), else the values that occur in masks, each mask read
/// once; 255 beside nothing but 0 is 1. Masks that cannot be read are left for quality() to
/// tell of. A note says what was found. Throws Error{input} if no mask can be read or none
/// holds a label, or if there are more values than labels can have (they are images then).
void find_labels(Dataset& set);

/// Labels, channels and the ignored value as a file declares them.
void take_labels(Dataset& set, DatasetFile const& file);

/// The split in which sets of masks are reported: where there are cases of train and val and
/// none of test, those of val become test, and a note says so. What is called val in such a set
/// is what people compare; nothing may be chosen by it.
void report_on_validation(Dataset& set);

/// Adds a problem `missing` of images without a mask, or masks without an image, which are left
/// out, and a note of files that share a name.
struct MasksLeftOut {
  std::vector<std::string> no_mask, no_image, twice;
};
void tell_left_out(Dataset& set, MasksLeftOut const& left);

/// A path that a file names, below `root`; none if it leads out of it or is absolute.
std::optional<fs::path> path_below(fs::path const& root, std::string const& named_path);

/// The lines of a text file, trimmed, without empty ones and comments (#). Throws Error{input}
/// above a million lines.
std::vector<std::string> lines_of(fs::path const& file);

}  // namespace fovea
