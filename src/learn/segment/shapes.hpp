#pragma once

#include "learn/segment/setup.hpp"

#include <array>
#include <optional>
#include <vector>

namespace fovea {

/// One structure of one case.
struct StructureShape {
  std::int64_t voxels = 0;
  std::array<double, 3> middle{};  ///< along k, j, i, as a share of the image
  double thickness = 0;            ///< mm: volume divided by half of the surface
};
/// By structure; empty where it is absent.
using CaseShapes = std::vector<std::optional<StructureShape>>;

/// Labels: i16, stored labels, one channel. An axis of one voxel has no surface.
CaseShapes shapes_of(Volume const& labels, SegmentTargets const& targets);

/// Two structures that always lie on the same side of each other along an axis.
struct Sides {
  std::size_t first = 0;  ///< structures: the first lies at smaller indices
  std::size_t second = 0;
};

/// By image axis k, j, i: the pair of structures that lies furthest apart among those that keep
/// their sides: over the cases that have both (at least five) the distance between their
/// middles is on the mean at least two standard deviations and a twentieth of the image. Along
/// such an axis a mirror image shows what no patient has, and a network that learns from it
/// cannot know one side from the other.
std::array<std::optional<Sides>, 3> sides_of(std::vector<CaseShapes> const& cases);

/// mm: the median over cases of the thickest structure.
double thickness_of(std::vector<CaseShapes> const& cases);

}  // namespace fovea
