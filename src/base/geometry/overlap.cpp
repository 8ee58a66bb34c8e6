#include "base/geometry/overlap.hpp"

#include "base/geometry/same_grid.hpp"

namespace fovea {
namespace {

std::optional<double> overlap_share(std::int64_t part, std::int64_t whole) {
  if (whole == 0) return std::nullopt;
  return static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

std::optional<double> Overlap::dice() const {
  return overlap_share(2 * both, a + b);
}
std::optional<double> Overlap::jaccard() const {
  return overlap_share(both, a + b - both);
}
std::optional<double> Overlap::sensitivity() const {
  return overlap_share(both, b);
}
std::optional<double> Overlap::precision() const {
  return overlap_share(both, a);
}
std::optional<double> Overlap::volume_difference() const {
  return overlap_share(a - b, b);
}

Overlap overlap_of(Volume const& a, Volume const& b) {
  expect_same_places(a.grid(), b.grid(), "both masks");
  Overlap out;
  auto const of_a = a.as<std::uint8_t>();
  auto const of_b = b.as<std::uint8_t>();
  for (std::size_t n = 0; n < of_a.size(); ++n) {
    out.a += of_a[n];
    out.b += of_b[n];
    out.both += of_a[n] & of_b[n];
  }
  return out;
}

}  // namespace fovea
