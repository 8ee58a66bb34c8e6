#pragma once

#include "base/finding/code.hpp"
#include "base/finding/label_map.hpp"
#include "base/finding/provenance.hpp"
#include "base/image/grid.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace fovea {

/// A number that was measured: {{"118565006", "SCT", "Volume"}, 12.5, {"mm3", "UCUM", ...}}.
struct Measurement {
  Code quantity;
  double value = 0;
  Code unit;          ///< of UCUM
  Code method{};      ///< how it was measured, if that is said
  Code derivation{};  ///< of many values: {"373098007", "SCT", "Mean"}
};

/// What was judged, and the answer: {{"112110", ..., "Margins"}, {..., "Smooth"}}.
struct Judgement {
  Code what, answer;
};

/// One thing that was found and measured, or judged.
struct Finding {
  std::string tracking{}, tracking_uid{};  ///< the same thing in other studies
  Code category{};                         ///< as Segment
  Code type{};                             ///< what it is: liver, neoplasm
  Code site{};                             ///< where it lies, if that is another thing
  Code side{};                             ///< of the site, else of the type
  std::vector<Measurement> measurements{};
  std::vector<Judgement> evaluations{};
  std::int64_t segment = 0;           ///< number in a segmentation; 0: none
  std::vector<Point> region{};        ///< a point, or the corners of a polygon in one plane, mm
  std::vector<std::size_t> slices{};  ///< k of the images that it was measured on
  Provenance provenance{};
};

/// A finding of a segment, without measurements yet.
Finding finding_of(Segment const& segment);

/// Throws Error{input} unless what it is and all quantities, units and answers are coded,
/// values are finite, and a region is a point or a polygon of at least three corners in one
/// plane (0.01 mm).
void check(Finding const& finding);

}  // namespace fovea
