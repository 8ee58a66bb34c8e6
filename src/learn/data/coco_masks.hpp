#pragma once

#include "base/core/json.hpp"
#include "base/geometry/outline.hpp"
#include "base/image/volume.hpp"

#include <string>
#include <vector>

namespace fovea {

/// One object that somebody outlined, or marked by runs.
struct CocoShape {
  std::int32_t label = 0;             ///< place of its category, from 1
  std::vector<Outline> outlines{};    ///< of pixels' centres; all that any of them encloses
  std::vector<std::uint32_t> runs{};  ///< outside, inside, outside, …: down the columns
};

struct CocoImage {
  std::string file{};  ///< as it is written
  std::int64_t width = 0, height = 0;
  std::vector<CocoShape> shapes{};
};

struct CocoSet {
  std::vector<std::string> categories{};  ///< by their numbers; labels are 1, 2, …
  std::vector<CocoImage> images{};
  std::size_t boxes_only = 0;  ///< annotations without an outline, left out
};

/// Annotations as COCO writes them: polygons, or runs ("counts") as numbers or packed.
/// Throws Error{input} naming `what` if they are broken: an image or category that is not
/// listed, polygons of odd length or less than three corners, runs that do not fill the image.
///
/// Source  COCO's data format; a pixel's centre is half a pixel from its corner
CocoSet parse_coco(Json const& json, std::string const& what);

/// The labels of an image: u8, or u16 above 255 labels. A pixel belongs to a polygon if its
/// centre does (OutlineFill). Where objects of different labels overlap the one of fewer pixels
/// is on top. Throws Refusal{grid-differs} if the image is of another size than its annotations
/// say.
Volume draw_coco(CocoImage const& image, Grid const& grid);

}  // namespace fovea
