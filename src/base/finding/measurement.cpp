#include "base/finding/measurement.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace fovea {
namespace {

void measurement_expect(bool good, std::string const& expected) {
  if (!good) throw Error{Fault::input, "expected " + expected, "complete the finding"};
}

void measurement_expect(Code const& code, std::string const& what) {
  measurement_expect(!code.value.empty() && !code.scheme.empty() && !code.meaning.empty(),
                     text("a code of value, scheme and meaning for ", what, ", got '",
                          code.value, "', '", code.scheme, "', '", code.meaning, "'"));
}

// Newell's normal: right for corners in any order along the line, also of a concave polygon.
bool measurement_flat(std::vector<Point> const& points) {
  constexpr double tolerance = 0.01;  // mm
  std::array<double, 3> normal{}, centre{};
  for (std::size_t n = 0; n < points.size(); ++n) {
    auto const& a = points[n].mm;
    auto const& b = points[(n + 1) % points.size()].mm;
    for (std::size_t r = 0; r < 3; ++r) {
      auto const s = (r + 1) % 3;
      auto const t = (r + 2) % 3;
      normal[r] += (a[s] - b[s]) * (a[t] + b[t]);
      centre[r] += a[r] / static_cast<double>(points.size());
    }
  }
  auto const length = std::hypot(normal[0], normal[1], normal[2]);
  if (!(length > 0)) return false;
  return std::ranges::all_of(points, [&](Point const& point) {
    double off = 0;
    for (std::size_t r = 0; r < 3; ++r) off += (point.mm[r] - centre[r]) * normal[r] / length;
    return std::abs(off) <= tolerance;
  });
}

}  // namespace

Finding finding_of(Segment const& segment) {
  return {.tracking = segment.tracking,
          .tracking_uid = segment.tracking_uid,
          .category = segment.category,
          .type = segment.type,
          .site = segment.site,
          .side = segment.side,
          .provenance = segment.provenance};
}

void check(Finding const& finding) {
  measurement_expect(finding.type, "what was found");
  for (auto const& one : finding.measurements) {
    measurement_expect(one.quantity, "a quantity");
    measurement_expect(one.unit, text("the unit of ", one.quantity.meaning));
    measurement_expect(std::isfinite(one.value),
                       text("a finite number for ", one.quantity.meaning, ", got ", one.value));
    if (!one.method.empty()) measurement_expect(one.method, "a method");
    if (!one.derivation.empty()) measurement_expect(one.derivation, "a derivation");
  }
  for (auto const& one : finding.evaluations) {
    measurement_expect(one.what, "what was judged");
    measurement_expect(one.answer, text("the answer to ", one.what.meaning));
  }
  auto const& region = finding.region;
  for (auto const& point : region)
    measurement_expect(
        std::ranges::all_of(point.mm, [](double mm) { return std::abs(mm) <= 1e6; }),
        "a region inside a patient");
  measurement_expect(
      region.size() <= 1 || (region.size() >= 3 && measurement_flat(region)),
      "a point, or a polygon of at least three corners in one plane, for a region");
}

}  // namespace fovea
