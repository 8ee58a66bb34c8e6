#pragma once

#include "base/dicom/data.hpp"
#include "base/finding/code.hpp"
#include "base/finding/provenance.hpp"
#include "base/io/dicom_series.hpp"

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace fovea {

/// One image that a result was made from.
struct SourceImage {
  std::string sop_class, sop;
  std::int32_t frame = 0;  ///< from 1, of an object of several frames; 0: all of it
  std::optional<std::array<double, 3>> position{};     ///< as DicomSlice
  std::optional<std::array<double, 6>> orientation{};  ///< along a row, down a column
};

/// What a result takes over from the series that it was made from, and refers to.
struct ResultSource {
  DicomData patient_and_study;   ///< their modules, in UTF-8, else as the source has them
  DicomData frame_of_reference;  ///< its module; empty if the source names none
  std::string study, series, modality;
  std::string date, time;                 ///< of the source: a result's content date and time
  std::string lossy_ratio, lossy_method;  ///< of a source that was packed with losses
  bool lossy = false;
  std::vector<SourceImage> images;  ///< in the order of k
  Grid grid;
  bool placed = false;
  std::array<double, 2> spacing{1, 1};  ///< between rows, between columns, as written
  double thickness = 0;                 ///< of a slice, mm; 0 if not said
  fs::path first;                       ///< file of the first image
};

/// Reads what a result needs from the headers of a series.
/// Throws Refusal{the first reason} if the gate refused it: what has no true place gets no
/// result;
///        Refusal{unsupported-charset} if its text cannot be turned into UTF-8;
///        as scan_dicom, if a file has changed
ResultSource result_source(DicomSeries const& series);

/// A sequence item: value, scheme, meaning. Codes of more than 16 characters become long codes.
/// Throws Error{input} on an empty code.
DicomData item_of(Code const& code);
/// An item that names an image: its class and its identifier; of a file of several frames,
/// which.
DicomData item_of(SourceImage const& image);
/// The files of the source, each once, without frames.
std::vector<SourceImage> instances_of(ResultSource const& source);

/// What a new object of another series of the same study begins with: patient, study, general
/// series, equipment, content date and time, instance number 1.
struct ResultHead {
  std::string sop_class, modality, series_description;
  std::int64_t series_number = 1;
  Provenance made_by{};
};
DicomData result_head(ResultSource const& source, ResultHead const& head);

/// The references to every image of the source (ReferencedSeriesSequence, PS3.3 C.12.2).
DicomData result_references(ResultSource const& source);

/// Whether the image was packed with losses, and how (PS3.3 C.7.6.1.1.5).
void put_lossy(DicomData& data, ResultSource const& source);

/// Who made it, as one item of an algorithm identification (PS3.3 10.16).
DicomData algorithm_item(Provenance const& made_by);

/// Throws Refusal{other-grid} unless `grid` is the source's: same size, and no voxel further
/// from its place than the gate tolerates (the larger of 0.001 mm and 1 % of the least
/// spacing).
void expect_grid_of(ResultSource const& source, Grid const& grid);
bool same_grid(Grid const& a, Grid const& b);

}  // namespace fovea
