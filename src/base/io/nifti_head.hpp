#pragma once

#include "base/io/nifti.hpp"

#include <array>
#include <optional>

// The header of NIfTI-1 and 2. Inside base/io only: others call read_nifti and write_nifti.
namespace fovea {

using NiftiAffine = std::array<std::array<double, 4>, 3>;

inline constexpr std::size_t nifti_head_most = 540;  ///< the longer one

/// The fields of either version, widened.
struct NiftiHead {
  int version = 1;
  bool big = false;    ///< most significant byte first
  bool single = true;  ///< voxels in the same file
  std::array<std::int64_t, 8> dim{};
  std::array<double, 8> pixdim{};
  int datatype = 0;
  int bitpix = 0;
  double offset = 0;  ///< of the voxels
  double slope = 0;
  double intercept = 0;
  int units = 0;
  int intent = 0;
  int qform = 0;
  int sform = 0;
  std::array<double, 3> quaternion{};  ///< b, c, d
  std::array<double, 3> shift{};       ///< qoffset
  NiftiAffine affine{};                ///< srow

  std::size_t length() const { return version == 1 ? 348 : 540; }
};

/// One row for each type of voxel that is read.
struct NiftiType {
  int code;
  Type type;
  std::int64_t samples;  ///< 3 and 4 are colours
};

/// Throws Refusal{not-nifti, analyze} if these do not begin as a NIfTI file does.
NiftiHead parse_nifti_head(std::span<std::byte const> bytes);
Bytes encode_nifti_head(NiftiHead const& head);  ///< little endian

/// Of voxels on a grid with further axes; what kind of numbers they are, the caller fills in.
/// Throws Error{input} if a spacing is not above 0.
NiftiHead nifti_head_on(Grid const& grid,
                        std::vector<std::int64_t> const& more,
                        ImageSpace space,
                        int version);
/// What stands before the voxels; `single`: in their file.
Bytes nifti_start(NiftiHead head, bool single);

/// Throws Refusal{unsupported-type}.
NiftiType nifti_type(int code);
int nifti_code(Type type, std::int64_t samples);

/// What the quaternion says; none if it is none or a spacing is not above 0.
std::optional<NiftiAffine> nifti_qform(NiftiHead const& head);
/// Writes spacing, quaternion and shift of an affine whose axes stand at right angles.
void set_nifti_qform(NiftiHead& head, NiftiAffine const& affine);

/// The same name with another ending instead of `ending`, in capitals if that one is.
fs::path nifti_beside(fs::path const& file, std::string_view ending, std::string_view other);

}  // namespace fovea
