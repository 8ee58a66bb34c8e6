#pragma once

#include "app/found.hpp"

#include <string>
#include <vector>

namespace fovea {

/// One case: a volume, or one for each channel.
struct MaskCase {
  std::string id;
  std::vector<FoundVolume> channels;
  std::string ending;  ///< of the mask's file
};

/// Cases of what was found: each volume by itself, or nnU-Net's files of a case's channels
/// (scan_0000.nii.gz, scan_0001.nii.gz) together. Masks end as `format` says (nifti, nrrd, mha,
/// png, seg, rtstruct), or as the image if it is empty; ids differ.
std::vector<MaskCase> mask_cases(std::vector<FoundVolume> volumes,
                                 std::size_t channels,
                                 std::string const& format);

/// Reads a case's channels into one volume. Throws as the readers; Error{input} if there are
/// not as many, or they differ in size.
Volume mask_image(MaskCase const& one, std::size_t channels);

/// Before the network works: one case of a kind that cannot be written must not cost the
/// others. Throws Error{input}.
void mask_expect_writable(MaskCase const& one, Volume const& image);

}  // namespace fovea
