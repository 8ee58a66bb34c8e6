#pragma once

#include "base/dicom/lookup.hpp"

#include <optional>
#include <string>
#include <vector>

namespace fovea {

/// How a header wants values to be shown (PS3.3 C.11.2): for a screen only, never for numbers.
enum class WindowFunction { linear, linear_exact, sigmoid };

struct DisplayWindow {
  double centre = 0;
  double width = 1;  ///< above 0; at least 1 if linear
  WindowFunction function = WindowFunction::linear;
  /// 0: darkest, 1: brightest.
  double operator()(double value) const;
};

/// One way to show an image: by a window or by a table.
struct Display {
  std::optional<DisplayWindow> window{};
  std::optional<LookupTable> table{};  ///< used if there is no window
  bool inverted = false;               ///< the lowest value is the brightest
  std::string words{};                 ///< "LUNG"; often empty; in the file's own characters

  /// From a value (behind the modality's slope and intercept, or its table) to 0 (black) … 1
  /// (white).
  double operator()(double value) const;
};

/// What the header offers, its windows first, then its tables; the first one is the usual one.
/// Empty if it says nothing, and for coloured images. Windows and tables that make no sense
/// (width 0, no number, another length) are left out: a viewer finds one by the values then.
std::vector<Display> displays_of(DicomItem const& image);

}  // namespace fovea
