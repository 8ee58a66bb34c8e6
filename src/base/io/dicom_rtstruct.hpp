#pragma once

#include "base/dicom/scan.hpp"
#include "base/finding/label_map.hpp"
#include "base/io/dicom_series.hpp"
#include "base/io/image_file.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fovea {

/// What a contour encloses. A closed one (CLOSED_PLANAR, CLOSEDPLANAR_XOR) has an area; an open
/// one and a point have none.
enum class RtShape { closed, open, point };

/// A contour; its points stay in the file until they are asked for.
struct RtContour {
  RtShape shape = RtShape::closed;
  std::uint32_t element = 0;  ///< place of ContourData in the scan
  std::string image{};        ///< SOP instance UID of the image that it was drawn on, if said
};

/// One region of interest.
struct RtRoi {
  std::int64_t number = 0;
  std::string name{};                ///< UTF-8
  std::string frame_of_reference{};  ///< UID; empty if neither it nor the set says
  std::string kind{};                ///< RT ROI interpreted type: ORGAN, GTV, EXTERNAL, ...
  Code type{};                       ///< what it is, where that is coded
  std::optional<std::array<std::uint8_t, 3>> colour{};
  MadeBy made_by = MadeBy::person;
  std::vector<RtContour> contours{};
};

/// An RT structure set.
struct RtStructureSet {
  std::string sop{}, series{}, study{}, label{};
  std::vector<RtRoi> rois{};
  std::vector<Note> notes{};
};

inline constexpr std::string_view rtstruct_class = "1.2.840.10008.5.1.4.1.1.481.3";

bool is_rtstruct(DicomScan const& scan);

/// The structures of a file, without the points of their contours.
///
/// Notes   contour-open, contour-point (they are listed, but enclose nothing), roi-unknown
/// (contours
///         of a region that is not in the list; left out), those of text
/// Throws  Refusal{not-rtstruct, bad-roi, roi-twice}
RtStructureSet read_rtstruct(DicomFile const& file);

/// What inspect says of it: a note for each region; the reason, if it cannot be used. None if
/// the file holds something else.
std::optional<DicomObject> object_of(DicomFile const& file, fs::path const& path);

/// Reads the points of contours from their file, a window at a time: quick in the order of the
/// file, also where that is deflated.
class RtPoints {
 public:
  explicit RtPoints(DicomFile const& file) : file_(&file) {}
  /// In the patient, LPS, mm. Throws Refusal{bad-contour, too-large, truncated}.
  std::vector<Point> operator()(RtContour const& contour);

 private:
  std::string_view words_of(std::uint32_t element);

  DicomFile const* file_;
  std::uint64_t from_ = 0;
  std::string window_;
};

/// What structures are drawn onto.
struct RtTarget {
  Grid grid;
  std::string frame_of_reference{};   ///< UID; empty if it is not known
  std::vector<std::string> images{};  ///< SOP instance UIDs in the order of k, or none
};

struct RtOptions {
  bool leave_off_plane = false;  ///< contours between slices are left out, not refused
  ImageLimits limits{};
};

struct RtMap {
  LabelMap map;
  std::vector<Note> notes{};
};

/// Structures as a label map. Each closed contour is put on the slice in whose plane it lies,
/// by its position along the normal; all contours of a region on one slice together enclose a
/// voxel if its centre lies inside an odd number of them (OutlineFill has the rule for centres
/// on a line). A region's value is its number, if all are from 1 to 65535, else they are
/// counted from 1; regions that overlap lie in layers of their own.
///
/// Tolerance  along the normal: position_tolerance of the distance between slices
/// Notes      contour-off-plane, contour-outside (beyond the first or last slice),
///            contour-no-area (less than three points), contour-gap (slices without contours
///            between others), contour-image-differs (drawn on an image of another place),
///            other-frame-of-reference, frame-of-reference-unknown, roi-empty, roi-renumbered
/// Throws     Refusal{contour-off-plane} unless they are to be left out;
///            Refusal{other-frame-of-reference} if no region has that of the target,
///            Refusal{no-contours} if no voxel is inside any, Refusal{too-large}; as RtPoints
RtMap label_map_of(DicomFile const& file,
                   RtStructureSet const& set,
                   RtTarget const& target,
                   RtOptions const& options = {});

}  // namespace fovea
