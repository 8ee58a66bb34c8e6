#pragma once

#include "learn/window/finish.hpp"
#include "learn/window/predict.hpp"

namespace fovea {

/// What networks, a case and options say together, checked.
struct WindowFacts {
  std::int64_t outputs = 0;
  std::vector<LinearHead> heads;    ///< by network; empty if one has none
  std::int64_t features = 0;        ///< of all networks together
  std::int64_t members = 1;         ///< networks * combinations of flips
  std::vector<std::int64_t> input;  ///< a window as networks take it: (k,) j, i
  WindowShares shares;
  std::vector<WindowBox> parts;  ///< of the cut, apart from each other: what is wanted
};
/// Throws as plan_windows, but for the budget.
WindowFacts window_facts(std::span<Network const> networks,
                         WindowSource const& source,
                         WayBack const& back,
                         Windows const& windows);
WindowPlan window_plan(WindowFacts const& facts,
                       std::span<Network const> networks,
                       WindowSource const& source,
                       WayBack const& back,
                       Windows const& windows);

/// Numbers [first, end) of windows along an axis.
struct WindowRange {
  std::int64_t first = 0, end = 0;
  std::int64_t count() const { return end - first; }
};
/// Those that touch some voxels of the case.
WindowRange windows_on(WindowShares const& shares,
                       int axis,
                       std::int64_t first,
                       std::int64_t size);

/// Boxes of the cut, merged where they overlap or where one box around two takes no more
/// windows than both do.
std::vector<WindowBox> merged_parts(std::vector<WindowBox> parts,
                                    WindowShares const& shares,
                                    std::array<AxisTaps, 3> const& taps);

/// Layers of windows along one axis that are done together, and the rows of the case that are
/// held meanwhile.
struct WindowLayers {
  WindowRange windows;
  std::int64_t row_first = 0, row_end = 0;  ///< of the case
  std::int64_t out_first = 0, out_end = 0;  ///< of the cut: finished behind them
};
/// For rows [first, end) of the cut.
std::vector<WindowLayers> window_layers(WindowShares const& shares,
                                        int along,
                                        AxisTaps const& taps,
                                        std::int64_t first,
                                        std::int64_t end,
                                        std::int64_t at_once);

/// A part of the cut in the pieces that are done one after the other.
std::vector<WindowBox> window_stripes(WindowPlan const& plan, WindowBox const& part);

}  // namespace fovea
