#pragma once

#include "base/core/json.hpp"
#include "base/core/stop.hpp"
#include "base/io/dicom_series.hpp"
#include "base/io/image_file.hpp"

#include <optional>

namespace fovea {

/// What lies in files and folders: DICOM series, as the gate sorted them, and images of other
/// formats.
struct Found {
  DicomFound dicom;
  std::vector<fs::path> images;  ///< of other formats; not looked into yet
  std::vector<Note> notes;       ///< not-listed, record-differs: of DICOMDIRs
  std::size_t files = 0;         ///< that were looked at
  std::size_t ignored = 0;       ///< of these: no images
};

/// Looks at what was named: files as they are, folders with all files below them (hidden ones
/// left out; links are followed once, so loops end). A file that was named itself is never
/// ignored: it is damaged if nothing can read it. A DICOMDIR that was named stands for the
/// files that its records lead to. Throws Error{input} if a path is not there, Error{resource}
/// if it may not be read, Interrupted if stopped.
Found find_images(std::vector<std::string> const& inputs, Stop const& stop);

/// One volume, and where it came from. It is read when asked for.
struct FoundVolume {
  fs::path source;  ///< the folder of a series, or the file
  std::string series, modality;
  std::size_t files = 1;
  Grid grid;
  bool placed = false;
  bool measured = true;  ///< its spacings are its own, not 1 for want of any
  std::int64_t channels = 1;
  Unit unit = Unit::arbitrary;
  Verdict verdict = Verdict::ok;
  std::vector<Note> reasons;
  DicomSeries const* dicom = nullptr;  ///< this one, of the Found; else `source` is the file

  /// The voxels. Throws Refusal{the first reason} if the gate refused it; as the readers do.
  ImageFile read() const;
  /// Are its voxels numbers of segments?
  bool holds_labels() const;
};

FoundVolume volume_of(DicomSeries const& series);
/// Looks at the file's header. Throws as look_volume.
FoundVolume volume_of(fs::path const& file);
/// All of them, by their headers; what cannot be read goes to `found.dicom.damaged`.
std::vector<FoundVolume> volumes_of(Found& found, Stop const& stop);
/// The one volume there, or that of the series; `found` holds what it lies in. Throws
/// Error{input} if there is none, Error{usage} if there are several.
FoundVolume one_volume(std::string const& path,
                       std::string const& series,
                       Found& found,
                       Stop const& stop);
/// Reads every voxel, too: a volume whose voxels cannot be read is refused.
void check_voxels(std::vector<FoundVolume>& volumes, Stop const& stop);

/// {"source","series","modality","size","spacing","affine","unit","channels","files","verdict",
/// "reasons","notes"}: the affine is 4 x 4, LPS, mm, from (i, j, k) to the patient;
/// null where there is no place, and the spacing where there is none.
Json to_json(FoundVolume const& volume);
Json to_json(DicomDamaged const& damaged);
/// {"source","kind","series","verdict","reasons","notes"}
Json to_json(DicomObject const& object);

}  // namespace fovea
