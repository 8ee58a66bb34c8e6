#pragma once

#include "base/core/pool.hpp"
#include "base/dicom/pixels.hpp"
#include "base/image/volume.hpp"

#include <array>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace fovea {

/// What the gate needs to know of one DICOM image.
struct DicomSlice {
  fs::path file;
  std::string sop_class, sop, study, series, patient, frame_of_reference, modality;
  std::string split;  ///< what parts a series: size, echo, time point, b-value, kernel …
  std::string turn;   ///< what parts images of one place: acquisition, its time, trigger time
  std::string image_type;
  DicomShape shape;
  std::optional<std::array<double, 3>> position;     ///< centre of the first voxel, LPS, mm
  std::optional<std::array<double, 6>> orientation;  ///< along a row, down a column
  std::optional<std::array<double, 2>> spacing;      ///< between rows, between columns
  double thickness = 0;
  double slope = 1, intercept = 0;
  std::optional<std::array<double, 2>> table;  ///< ends of a modality table's values
  bool hounsfield = false;
  std::string refusal;  ///< a code, if the header alone is reason enough
};

/// Reads the header of an image. Throws as dicom_shape does.
DicomSlice slice_of(DicomFile const& file, fs::path const& path);

/// How far a slice may lie from its place, mm: the larger of 0.001 mm and 1 % of the spacing.
double position_tolerance(double spacing);

enum class Verdict { ok, adjusted, refused };
std::string_view name_of(Verdict verdict);

/// One volume, or the reason why there is none.
struct DicomSeries {
  std::string series, modality;
  std::vector<DicomSlice> slices;  ///< along the normal, in the order of k
  Grid grid;                       ///< only true if `placed`
  bool placed = false;
  Verdict verdict = Verdict::ok;
  std::vector<Note>
      reasons;  ///< why it is adjusted or refused, and what else people should know
};

/// The gate: sorts images into volumes by series, frame of reference, orientation, size, echo,
/// time, b-value, kernel, and by position along the normal; never by name or number.
///
/// Tolerance  positions: the larger of 0.001 mm and 1 % of the spacing; cosines: 0.001
/// Place      origin and cosines as written, k axis from the first slice to the last: a tilted
///            gantry gives a sheared grid
/// adjusted   gantry-tilt, duplicate-dropped, no-thickness (of a single slice)
/// refused    mixed-patients, no-position, not-orthogonal, bad-spacing, pixel-spacing-differs,
///            duplicate-position, same-uid, missing-slice, variable-spacing,
///            irregular-positions, multi-frame, mosaic, concatenation, bad-table,
///            bad-scaling, tag-twice
/// also said  split, single-slice, position-jitter, no-position (of images that have none by
///            design: CR, DX, MG, XA, US, secondary captures; each becomes a 2D image)
/// `same`     are the files of two images equal byte for byte?
std::vector<DicomSeries> sorted_series(
    std::vector<DicomSlice> slices,
    std::function<bool(fs::path const&, fs::path const&)> const& same);

struct DicomDamaged {
  fs::path file;
  std::string code;
  std::optional<std::uint64_t> at;
  std::string words;
};

/// An object without pixels that is read all the same: so far RT structure sets.
struct DicomObject {
  fs::path file;
  std::string kind{};  ///< its modality: "RTSTRUCT"
  std::string series{};
  std::vector<Note> notes{};  ///< regions: their numbers and names; what else was noticed
  std::string refusal{};      ///< a code, if it cannot be used
};

struct DicomFound {
  std::vector<DicomSeries> series;
  std::vector<DicomDamaged> damaged;   ///< files that cannot be read
  std::size_t others = 0;              ///< DICOM objects without pixels
  std::vector<DicomObject> objects{};  ///< those of them that are read, in the order of files
};

/// Scans the files (headers only) and sorts them through the gate. `seen` hears how many are
/// done, one call at a time; what it throws ends the work.
DicomFound find_series(std::vector<fs::path> const& files,
                       int threads = usable_cores(),
                       std::function<void(std::size_t done)> const& seen = {});

/// The voxels of a series: values by each slice's own slope and intercept, or by its modality
/// table; the first of u8, i16
/// and u16 that holds all that the headers allow, else i16 or i32 by the values, where they are
/// whole; else f32 (f64 if more than 16 bits are stored); colours as red, green, blue. CT in
/// Hounsfield units says so.
/// Throws Refusal{the first reason} if the gate refused it; as decode_frame does; changed, if a
/// file is no longer what it was.
Volume load_series(DicomSeries const& series, int threads = usable_cores());

}  // namespace fovea
