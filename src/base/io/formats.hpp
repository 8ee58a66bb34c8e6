#pragma once

#include "base/io/image_file.hpp"

#include <span>
#include <string_view>

namespace fovea {

struct WriteOptions {
  bool packed = true;  ///< where the ending leaves it open
  int level = 4;       ///< of compression, 1 to 12
};

/// One row for each format of images. Add yours in formats.cpp.
struct FormatRow {
  std::string_view name;
  std::string_view endings;  ///< ".nii .nii.gz", the usual one first
  /// Do these first bytes of a file (512, or all) belong to it?
  bool (*begins)(std::span<std::byte const> bytes);
  ImageFile (*read)(fs::path const& file, ImageLimits const& limits);
  /// The header alone; null if that takes reading all.
  ImageHead (*look)(fs::path const& file, ImageLimits const& limits);
  /// Null if it is only read.
  void (*write)(fs::path const& file, ImageFile const& image, WriteOptions const& options);
};
std::span<FormatRow const> formats();

/// The image in a file of any format but DICOM, whose files are sorted first (find_series).
/// The first bytes tell the format, where they can; else the name does.
///
/// Notes    those of the format's reader; other-format, if the name ends as another's does
/// Throws   Error{usage} if neither name nor bytes are known, or if it is DICOM; as the
/// format's
///          reader does
ImageFile read_volume(fs::path const& file, ImageLimits const& limits = {});
/// What the header says, without the voxels where the format has a header apart: packed voxels
/// may still turn out to be damaged. Notes and throws as read_volume.
ImageHead look_volume(fs::path const& file, ImageLimits const& limits = {});

/// Writes the format that the name ends as. NIfTI, NRRD and MetaImage keep place and values;
/// NumPy keeps values as [channel, k, j, i], PNG those of one slice in 8 or 16 bits.
/// Throws Error{usage} on another ending, with the nearest known; on what the format cannot
/// hold.
void write_volume(fs::path const& file,
                  ImageFile const& image,
                  WriteOptions const& options = {});
void write_volume(fs::path const& file, Volume const& volume, WriteOptions const& options = {});

}  // namespace fovea
