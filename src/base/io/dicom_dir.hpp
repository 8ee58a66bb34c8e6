#pragma once

#include "base/io/dicom_series.hpp"

namespace fovea {

/// A record of a DICOMDIR (PS3.3 F) that leads to a file.
struct DicomRecord {
  std::string kind;  ///< "IMAGE"
  std::string sop;   ///< of the object in the file
  /// Folders and a name below the DICOMDIR's folder: plain names, none of them "..", none with
  /// a slash. Empty if the record names anything else: `said` has it for people.
  std::vector<std::string> place;
  std::string said;
  std::uint64_t at = 0;  ///< of the record in the DICOMDIR
};

/// The records in use that name a file, in the order of the file. Offsets between records are
/// not needed for that, and not followed. Throws Refusal{not-dicomdir}.
std::vector<DicomRecord> dicomdir_records(DicomFile const& file);

/// The files that a DICOMDIR leads to.
struct DicomDir {
  std::vector<fs::path> files;        ///< each once; those that are there
  std::vector<std::string> sops;      ///< what the records say is in them
  std::vector<DicomDamaged> damaged;  ///< records: missing-file, file-elsewhere
};

/// Follows the records. Names are found in whatever case the medium's driver shows them, and
/// with the version (";1") or final dot that it adds; a link that leads out of the DICOMDIR's
/// folder is not followed. Throws as DicomFile and dicomdir_records.
DicomDir read_dicomdir(fs::path const& file);

/// Do the first bytes say that it is one?
bool is_dicomdir(fs::path const& file);

}  // namespace fovea
