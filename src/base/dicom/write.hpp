#pragma once

#include "base/dicom/data.hpp"

#include <functional>

// DICOM files of our own: explicit VR little endian (PS3.5 A.2) behind a preamble and a meta
// header (PS3.10 7.1). The same data set gives the same bytes.
namespace fovea {

/// Of the meta header: who wrote the file.
std::string implementation_class_uid();
std::string implementation_version_name();  ///< "FOVEA_0.1.0"

/// Hands the bytes of the data set on, piece by piece: explicit VR little endian, sequences and
/// items of defined length. A text too long for its kind's 16-bit length becomes UN, as
/// PS3.5 6.2.2 says.
/// Throws Error{input} if a value or a sequence has 4 GB or more, Error{bug} beyond 64
/// sequences inside each other.
void encode(DicomData const& data, std::function<void(std::span<std::byte const>)> const& take);

/// The SHA-256 of all that a data set holds, as encode writes it, in hexadecimal.
std::string hash_of(DicomData const& data);

/// Makes a finished object of a data set that has all but its own identifiers: the character
/// set (UTF-8), the series instance UID if it has none yet, and the SOP instance UID. Both are
/// hashes of everything else in the data set and of the program's version, so that the same
/// content has the same UIDs, and other content has others. Throws Error{bug} if it has a SOP
/// instance UID already.
void identify(DicomData& data);

/// A whole file in memory. Throws as encode does; Error{bug} if the data set was not identified
/// or lacks its class, study or series.
Bytes dicom_file(DicomData const& data);

/// The same, written whole or not at all. Throws as dicom_file and write_file.
void write_dicom(fs::path const& file, DicomData const& data);

}  // namespace fovea
