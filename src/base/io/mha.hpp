#pragma once

#include "base/io/image_file.hpp"

#include <span>
#include <string_view>

namespace fovea {

/// MetaImage, as ITK writes it; .mha, and .mhd with its voxels in one file beside it; binary or
/// text, packed by zlib or not; little or big endian; 2 to 4 axes.
///
/// Place    TransformMatrix (a row for each axis), ElementSpacing and Offset; ITK's world is
///          LPS in mm. A file with neither a matrix nor an offset, and one of two axes, is not
///          placed: sizes and spacings only.
/// Axes     ElementNumberOfChannels are a vector's components, a fourth axis is axis 4
/// Values   as stored
/// Notes    no-position, orientation-differs (AnatomicalOrientation contradicts the matrix,
///          which is taken), bytes-behind
/// Throws   Refusal: not-mha, bad-header, tag-twice, unsupported-type, several-files,
///          file-elsewhere, bad-size, too-large, truncated, damaged, bad-offset, bad-affine,
///          bad-spacing
///
/// https://itk.org/Wiki/ITK/MetaIO/Documentation
ImageFile read_mha(fs::path const& file, ImageLimits const& limits = {});
/// Its header alone, held against the file's length as far as that is known without unpacking.
/// Notes and throws as read_mha.
ImageHead look_mha(fs::path const& file, ImageLimits const& limits = {});
/// The same of a whole .mha in memory.
ImageFile decode_mha(std::span<std::byte const> bytes,
                     std::string_view name,
                     ImageLimits const& limits = {});

struct MhaOptions {
  bool packed = true;  ///< zlib instead of raw
  int level = 4;       ///< of compression, 1 to 12
};

/// Writes .mha, or .mhd with .raw or .zraw, as the name ends; little endian, voxels as they are
/// stored. Axes are split into length and direction, so the last digit of one that is turned
/// may differ when read. That channels are colours is not kept. The same image gives the same
/// bytes. Atomic, as write_file.
/// Throws Error{usage} on another ending, Error{input} on more than one axis behind the third.
void write_mha(fs::path const& file, ImageFile const& image, MhaOptions const& options = {});
Bytes encode_mha(ImageFile const& image, MhaOptions const& options = {});  ///< a whole .mha

/// True if the bytes begin as a header does.
bool begins_as_mha(std::span<std::byte const> bytes);

}  // namespace fovea
