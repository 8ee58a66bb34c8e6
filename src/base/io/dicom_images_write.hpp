#pragma once

#include "base/io/result_source.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace fovea {

/// How a volume becomes a series of images.
struct ImagesWrite {
  /// Values become multiples of this; each is half of it off at most. None: only where 16 bits
  /// hold every value exactly.
  std::optional<double> round_to{};
  std::string description = "Processed images";  ///< of the series
  std::int64_t series_number = 103;
  Provenance made_by{};
};

/// A volume as DICOM images, one for each slice, made when they are asked for.
///
/// With a source     a new series of its study and frame of reference. CT and MR images stay CT
///                   and MR (ImageType DERIVED\SECONDARY); others, and volumes without a
///                   source, become secondary captures that also say where they lie
/// Without a source  a new study of nobody: empty patient, modality OT, a frame of reference of
///                   its own
/// Grid              any: resampled, turned, tilted; where it is the source's, places are the
///                   source's own and each image refers to its slice
/// Values            16 bits; integers as they are where these hold them (with an intercept, if
///                   need be), others only with `round_to`
/// Throws            Refusal{not-exact} if 16 bits do not hold the values; Refusal{not-finite,
///                   no-position, not-orthogonal, no-frame-of-reference}; Error{input} on
///                   several channels; Error{usage} on a senseless `round_to`
class DicomImages {
 public:
  DicomImages(Volume volume, ResultSource const* source, ImagesWrite const& options = {});

  std::size_t count() const { return static_cast<std::size_t>(volume_.depth()); }
  /// Identified, ready to be written.
  DicomData operator()(std::size_t k) const;

 private:
  void store(ImagesWrite const& options);
  void describe(ImagesWrite const& options, std::string_view sop_class);
  void name(bool nobody);
  Bytes pixels(std::size_t k) const;

  Volume volume_;
  DicomData head_;                    ///< what all images share
  std::vector<SourceImage> sliced_;   ///< the source's, if the grid is its: one for each slice
  std::vector<SourceImage> sources_;  ///< the source's, if the grid is another: for each all
  double step_ = 1;                   ///< value = stored x step + intercept
  double intercept_ = 0;
  bool negative_ = false;  ///< some stored values are below 0
};

}  // namespace fovea
