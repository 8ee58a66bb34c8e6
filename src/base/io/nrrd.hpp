#pragma once

#include "base/io/image_file.hpp"

#include <span>
#include <string_view>

namespace fovea {

/// NRRD versions 1 to 6; .nrrd, and .nhdr with its voxels in one file beside it; raw, gzip or
/// text; little or big endian.
///
/// Place    `space` (RAS, LAS, LPS, with or without time), `space directions` and `space
///          origin`; becomes LPS by turning signs. Without all three, or in a space that is no
///          patient's (scanner-xyz, 3D-right-handed), the file is not placed: sizes and
///          spacings only.
/// Axes     the first three with a direction are i, j, k, wherever they stand. Of the others
///          colours (kinds RGB-color, RGBA-color, 3-color, 4-color) and vectors (kinds vector,
///          3-vector, …) are components, all else (time, list) axis 4 and so on.
/// Values   as stored; ascii exactly as its type reads them
/// Notes    no-position, no-thickness (a single slice in space: 1 mm is assumed), unknown-unit,
///          unknown-field, bytes-behind, measurement-frame (vectors are left in it), keys-left
/// Throws   Refusal: not-nrrd, bad-header, tag-twice, unsupported-type (blocks, complex),
///          unsupported-encoding (hex, bzip2), several-files, file-elsewhere, bad-size,
///          too-large, truncated, damaged, bad-offset, bad-affine, bad-spacing
///
/// http://teem.sourceforge.net/nrrd/format.html
ImageFile read_nrrd(fs::path const& file, ImageLimits const& limits = {});
/// Its header alone, held against the file's length as far as that is known without unpacking.
/// Notes and throws as read_nrrd.
ImageHead look_nrrd(fs::path const& file, ImageLimits const& limits = {});
/// The same of a whole .nrrd in memory.
ImageFile decode_nrrd(std::span<std::byte const> bytes,
                      std::string_view name,
                      ImageLimits const& limits = {});

struct NrrdOptions {
  bool packed = true;  ///< gzip instead of raw
  int level = 4;       ///< of compression, 1 to 12
};

/// Writes .nrrd, or .nhdr with .raw or .raw.gz, as the name ends; little endian, voxels as they
/// are stored, every digit of the place. Components come first, axis 4 and so on last. The same
/// image gives the same bytes. Atomic, as write_file. Throws Error{usage} on another ending.
void write_nrrd(fs::path const& file, ImageFile const& image, NrrdOptions const& options = {});
Bytes encode_nrrd(ImageFile const& image, NrrdOptions const& options = {});  ///< a .nrrd

/// True if the bytes begin as a header does.
bool begins_as_nrrd(std::span<std::byte const> bytes);

}  // namespace fovea
