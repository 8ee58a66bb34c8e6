#pragma once

#include "base/core/pool.hpp"
#include "base/dicom/pixels.hpp"
#include "base/image/volume.hpp"
#include "base/io/dicom_moment.hpp"

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace fovea {

/// What images of one volume have in common. They share it, and so do the frames of one file:
/// a slice more costs little memory.
struct DicomHead {
  std::string sop_class{}, study{}, series{}, patient{}, frame_of_reference{}, modality{};
  std::string image_type{};
  std::string split{};  ///< what parts a series: size, echo, time point, diffusion, kernel …
  DicomShape shape{};
  std::optional<std::array<double, 6>> orientation{};  ///< along a row, down a column
  std::optional<std::array<double, 2>> spacing{};      ///< between rows, between columns
  double thickness = 0;                                ///< mm; 0: not said
  double between = 0;  ///< mm from slice to slice, as written; 0: not said
  std::optional<std::array<double, 2>> table{};  ///< ends of a modality table's values
  Unit unit = Unit::arbitrary;                   ///< of stored value x slope + intercept
  /// Stored values, first to last, that stand for no measurement (padding).
  std::optional<std::array<double, 2>> padding{};
  int fractions = 0;           ///< segments of a fractional segmentation
  std::string_view refusal{};  ///< a code, if the header alone is reason enough
  std::vector<Note> notes{};   ///< what people should know of the volume

  bool operator==(DicomHead const&) const = default;
};

/// One DICOM file.
struct DicomInstance {
  std::string file, sop;
};

/// What the gate needs to know of one image: a file, or a frame of one.
struct DicomSlice {
  std::shared_ptr<DicomHead const> head;
  std::shared_ptr<DicomInstance const> object;
  /// What parts images of one place, a line for each: image type, acquisition, dimensions,
  /// times (which begin with `t`) …; see turns_of.
  std::shared_ptr<std::string const> turn;
  std::optional<std::array<double, 3>> position;  ///< centre of the first voxel, LPS, mm
  double slope = 1, intercept = 0;
  std::int32_t frame = 0;    ///< of the file, from 0
  std::int32_t segment = 0;  ///< of a segmentation, from 1

  fs::path file() const { return object->file; }
  std::string const& sop() const { return object->sop; }
  DicomShape const& shape() const { return head->shape; }
};

/// Reads the header of a file: a slice for each frame. Where frames lie, how they are scaled
/// and which belong together is taken from the shared and the per-frame functional groups
/// (PS3.3 C.7.6.16), of dose grids from their offsets (C.8.8.3.2). Throws as dicom_shape does.
std::vector<DicomSlice> slices_of(DicomFile const& file, fs::path const& path);

/// How far a slice may lie from its place, mm: the larger of 0.001 mm and 1 % of the spacing.
double position_tolerance(double spacing);

enum class Verdict { ok, adjusted, refused };
std::string_view name_of(Verdict verdict);

/// Files of several frames that are open: many volumes may lie in one, and its header be long.
class DicomFiles;

/// One volume, or the reason why there is none.
struct DicomSeries {
  std::string series, modality;
  std::vector<DicomSlice> slices;  ///< along the normal, in the order of k
  Grid grid;                       ///< only true if `placed`
  bool placed = false;
  bool labels = false;  ///< a segmentation: `slices` are its frames; see read_dicom_seg
  /// Size of axis 4: frames of a film, fractional segments, or volumes that were merged, whose
  /// slices then stand volume by volume.
  std::int64_t fourth = 1;
  std::vector<DicomMoment> moments{};  ///< what merged volumes are
  Verdict verdict = Verdict::ok;
  std::vector<Note>
      reasons;  ///< why it is adjusted or refused, and what else people should know

  std::shared_ptr<DicomFiles> open{};  ///< shared with the others that were found with it

  std::size_t files() const;  ///< how many it is made of
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
///            irregular-positions, bad-frames, short-pixels, tiles, mosaic,
///            concatenation, bad-table, bad-scaling, dose-unit, tag-twice
/// also said  split, single-slice, position-jitter, no-position (of images that have none by
///            design: CR, DX, MG, XA, US, secondary captures; each file becomes a 2D image,
///            frames along axis 4)
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

/// How many voxels of the loaded series are padding, by the padding of each slice's header.
/// They keep the value that they have.
std::int64_t padded_voxels(DicomSeries const& series, Volume const& loaded);

}  // namespace fovea
