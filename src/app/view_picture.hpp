#pragma once

#include "base/core/json.hpp"
#include "base/dicom/window.hpp"
#include "base/image/volume.hpp"

#include <optional>
#include <string>

namespace fovea {

inline constexpr std::int64_t view_widest = 8192;  ///< pixels, and highest

struct ViewOptions {
  std::string in, out, plane, slice, window, overlay, series;
  std::int64_t width = 640;
  bool json = false;
};

/// What is shown, and how.
struct ViewImage {
  Volume volume;
  bool placed = false, colour = false;
  Display display;
  std::string window_from;  // "header", "asked" or "percentiles"
};

struct ViewedImage {
  Volume picture;
  Json said;  ///< {"plane","placed","size","slice","slices","place_mm","window",...}
};

/// Draws what is asked for; the mask's labels over it. Throws Error{usage} on a plane or slice
/// that is not there, or a picture that would be too high; Error{input} if a plane is asked for
/// of what has no place.
ViewedImage draw_view(ViewImage image, std::optional<Volume> mask, ViewOptions const& options);

}  // namespace fovea
