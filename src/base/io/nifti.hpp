#pragma once

#include "base/io/image_file.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace fovea {

using Nifti = ImageFile;
using NiftiSpace = ImageSpace;
using NiftiLimits = ImageLimits;

/// NIfTI-1 and 2; .nii, .nii.gz, and .hdr with .img (either one named, each may be gzipped);
/// little or big endian.
///
/// Place    the sform if it has a code, else the qform, else none. RAS becomes LPS by turning
///          signs, metres and micrometres become mm; axes that are sheared stay so.
/// Values   as stored. With a slope or intercept: i32 where that is exact, else f64, as nibabel
///          computes them.
/// Notes    sform-qform-differ, no-position, pixdim-differs, bitpix-differs, bytes-behind,
///          unknown-unit, colour-scaled
/// Throws   Refusal: not-nifti, analyze, unsupported-type (complex, long double, 1 bit),
///          bad-size, too-large, truncated, damaged, bad-offset, bad-affine, bad-spacing,
///          bad-scaling, mirrored (sform and qform are mirror images of each other)
Nifti read_nifti(fs::path const& file, NiftiLimits const& limits = {});
/// The same of a whole .nii or .nii.gz in memory.
Nifti decode_nifti(std::span<std::byte const> bytes,
                   std::string_view name,
                   NiftiLimits const& limits = {});
/// Its header alone, held against the file's length as far as that is known without unpacking.
/// Notes and throws as read_nifti.
ImageHead look_nifti(fs::path const& file, NiftiLimits const& limits = {});

struct NiftiOptions {
  /// 1 is read everywhere; it keeps places as float32, which moves a voxel by less than
  /// 0.0001 mm. 2 keeps every digit. Sizes above 32767 are written as 2 in any case.
  int version = 1;
  /// Of compression, 1 to 12. Images pack as small as by zlib at 6, in a sixth of its time.
  int level = 4;
};

/// Writes .nii, .nii.gz, or .hdr with .img, as the name ends; little endian, voxels as they are
/// stored, no scaling. A sheared grid gets an sform only (qform code 0), another one both. The
/// same image gives the same bytes. Atomic, as write_file.
/// Throws Error{usage} on another ending.
void write_nifti(fs::path const& file, Nifti const& image, NiftiOptions const& options = {});
void write_nifti(fs::path const& file, Volume const& volume, NiftiOptions const& options = {});
Bytes encode_nifti(Nifti const& image, NiftiOptions const& options = {});  ///< a whole .nii

/// True if the name ends as one of the above does, in any case.
bool named_as_nifti(fs::path const& file);

/// Rows of the affine that NIfTI and nibabel speak of: RAS, mm.
std::array<std::array<double, 4>, 3> ras_affine(Grid const& grid);
Grid grid_of_ras(std::array<std::array<double, 4>, 3> const& affine,
                 std::array<std::int64_t, 3> size);

}  // namespace fovea
