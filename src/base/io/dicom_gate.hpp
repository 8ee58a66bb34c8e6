#pragma once

#include "base/image/vector3.hpp"
#include "base/io/dicom_series.hpp"

#include <algorithm>
#include <cmath>
#include <string>

// What the rules of the gate share. Inside base/io only.
namespace fovea {

using SameFiles = std::function<bool(fs::path const&, fs::path const&)>;

inline constexpr double series_cosines = 1e-3;      ///< off a unit vector, off a right angle
inline constexpr double series_orientation = 1e-4;  ///< between slices of one volume

inline Vector3 series_row(DicomSlice const& slice) {
  auto const& o = *slice.head->orientation;
  return {o[0], o[1], o[2]};
}
inline Vector3 series_column(DicomSlice const& slice) {
  auto const& o = *slice.head->orientation;
  return {o[3], o[4], o[5]};
}
inline Vector3 series_normal(DicomSlice const& slice) {
  auto const r = series_row(slice);
  auto const c = series_column(slice);
  return cross(r, c);
}

DicomSeries series_of(std::vector<DicomSlice> slices);
void series_refuse(DicomSeries& series, std::string_view code, std::string words);
std::string series_millimetres(double value);
/// Refuses it if a header alone is reason enough. True if it did.
bool series_refused_by_header(DicomSeries& series);
/// What every slice must have, before places are compared. True if all is well.
bool series_check_slices(DicomSeries& series);
/// Along the normal of the first.
void series_sort(DicomSeries& series);
/// Drops what is there twice byte for byte. False if one identifier names two things.
bool series_drop_copies(DicomSeries& series, SameFiles const& same);
/// The grid of so many slices, one `step` apart, from the first one on.
void series_place(DicomSeries& series, Vector3 const& step, std::int64_t depth);
/// Degrees between a step and the normal of a slice.
double series_angle(DicomSlice const& slice, Vector3 const& step);
/// Says by how much slices are shifted against each other, if they are.
void series_tilt(DicomSeries& series, Vector3 const& step);

/// None yet.
std::shared_ptr<DicomFiles> opened_files();

/// Is it a segmentation?
bool is_segmentation(std::string_view sop_class);
/// The grid of a segmentation's frames, of which empty ones are left out.
DicomSeries series_of_segments(std::vector<DicomSlice> frames, SameFiles const& same);

}  // namespace fovea
