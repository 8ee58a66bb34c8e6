#include "base/geometry/measured.hpp"

#include <algorithm>

namespace fovea {
namespace {

// Terms of SNOMED CT, IBSI and DICOM, as PS3.16 CID 7469 lists them.
Code const measured_mm{"mm", "UCUM", "millimeter"};

void measured_shape(SegmentShape const& shape, std::vector<Measurement>& out) {
  out.push_back({.quantity = {"118565006", "SCT", "Volume"},
                 .value = shape.volume_mm3,
                 .unit = {"mm3", "UCUM", "cubic millimeter"}});
  if (shape.voxels == 0) return;
  out.push_back({.quantity = {"C0JK", "IBSI", "Surface Area of Mesh"},
                 .value = shape.surface_mm2,
                 .unit = {"mm2", "UCUM", "square millimeter"}});
  out.push_back({.quantity = {"L0JK", "IBSI", "Maximum 3D Diameter of a Mesh"},
                 .value = shape.longest.mm,
                 .unit = measured_mm});
  out.push_back({.quantity = {"103339001", "SCT", "Long Axis"},
                 .value = shape.axial.longest.mm,
                 .unit = measured_mm});
  out.push_back({.quantity = {"103340004", "SCT", "Short Axis"},
                 .value = shape.axial.across.mm,
                 .unit = measured_mm});
}

void measured_values(Intensities const& values, std::vector<Measurement>& out) {
  if (values.voxels == values.left_out) return;
  struct Row {
    char const* code;
    char const* meaning;
    double value;
  };
  Row const rows[] = {{"373098007", "Mean", values.mean},
                      {"386136009", "Standard Deviation", values.deviation},
                      {"255605001", "Minimum", values.least},
                      {"56851009", "Maximum", values.most}};
  for (auto const& row : rows)
    out.push_back({.quantity = {"112031", "DCM", "Attenuation Coefficient"},
                   .value = row.value,
                   .unit = {"[hnsf'U]", "UCUM", "Hounsfield unit"},
                   .derivation = {row.code, "SCT", row.meaning}});
}

}  // namespace

std::vector<Finding> measured(LabelMap const& map, Volume const* image) {
  check(map);
  if (map.fractional)
    throw Error{Fault::input, "expected a mask to measure, got fractions",
                "make a mask of it first"};
  auto const hounsfield = image != nullptr && image->unit() == Unit::hounsfield;
  std::vector<Finding> out;
  for (auto const& segment : map.segments) out.push_back(finding_of(segment));
  for (std::int64_t layer = 0; layer < map.voxels.channels(); ++layer) {
    auto const labels = channel_of(map.voxels, layer);
    auto const all = marked_of(labels);
    for (std::size_t n = 0; n < out.size(); ++n) {
      if (map.segments[n].layer != layer) continue;
      auto const there = std::ranges::find(all, map.segments[n].value, &Marked::value);
      auto& finding = out[n];
      measured_shape(there == all.end() ? SegmentShape{} : shape_of(labels, *there),
                     finding.measurements);
      if (there == all.end()) continue;
      for (std::int64_t k = 0; k < there->box.size[2]; ++k)
        finding.slices.push_back(static_cast<std::size_t>(there->box.first[2] + k));
      if (hounsfield)
        measured_values(intensities_of(*image, labels, *there), finding.measurements);
    }
  }
  return out;
}

}  // namespace fovea
