#pragma once

#include "base/io/result_source.hpp"

#include <cstdint>
#include <string>
#include <vector>

// The functional groups (PS3.3 C.7.6.16) of results of many frames: segmentations and
// parametric maps, whose frames lie where the source's slices do.
namespace fovea {

/// Pixel measures, and the orientation where all slices have the same one.
/// Throws Refusal{no-frame-of-reference} if the source does not name one: places then mean
/// nothing outside of it; Refusal{no-position} if it has no place.
DicomData shared_groups(ResultSource const& source);

/// Of the frame on slice `k`: the slice's own position, what it was derived from and how, and
/// its place along the dimensions, counted from 1.
DicomData frame_groups(ResultSource const& source,
                       std::size_t k,
                       Code const& derivation,
                       std::vector<std::int64_t> const& place);

/// One way along which frames are ordered: an attribute inside a functional group.
struct ResultDimension {
  Attribute attribute, group;
  std::string name;
};
extern ResultDimension const position_dimension;

/// The dimension module (PS3.3 C.7.6.17); `seed` makes its UID.
DicomData result_dimensions(std::vector<ResultDimension> const& dimensions,
                            std::string const& seed);

}  // namespace fovea
