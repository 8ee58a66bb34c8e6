#pragma once

#include "base/finding/code.hpp"
#include "base/finding/provenance.hpp"
#include "base/image/volume.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fovea {

/// One structure of a label map.
struct Segment {
  std::int64_t layer = 0;  ///< channel of the voxels that it lies in
  std::int64_t value = 1;  ///< of its voxels there; a fractional layer is one segment's
  std::string name{};      ///< for people: "left kidney"
  Code category{};         ///< {"91723000", "SCT", "Anatomical structure"}
  Code type{};             ///< {"10200004", "SCT", "Liver"}
  Code side{};             ///< of the type, where it has two: {"7771000", "SCT", "Left"}
  Code site{};             ///< of something abnormal: where it lies, as a type
  std::optional<std::array<std::uint8_t, 3>> colour{};  ///< red, green, blue
  std::string tracking{}, tracking_uid{};               ///< the same thing in other studies
  Provenance provenance{};
};

/// Which structure each voxel belongs to.
///
/// Voxels   u8 or u16; a channel is a layer, 0 is no segment. Segments that overlap lie in
/// layers
///          of their own, so a voxel can belong to several
/// Fraction f32 from 0 to 1, a layer for each segment: how much of a voxel, or how likely
struct LabelMap {
  Volume voxels;
  std::vector<Segment> segments{};
  bool fractional = false;
};

/// Throws Error{input} unless voxels and segments are as LabelMap says: types, layers that are
/// there, values that the type holds, no two segments of one layer with one value.
void check(LabelMap const& map);

/// The voxels of one segment: u8, 1 where it is; of a fractional map f32.
Volume mask_of(LabelMap const& map, Segment const& segment);

/// Of whole numbers in a volume of any type: each value above 0 becomes a segment, named as
/// its number, each channel a layer. Throws Error{input} on fractions, negative values and
/// those above 65535.
LabelMap label_map_of(Volume const& labels);

}  // namespace fovea
