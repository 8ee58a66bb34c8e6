#pragma once

#include "base/core/stop.hpp"
#include "learn/nn/network.hpp"
#include "learn/window/places.hpp"
#include "learn/window/source.hpp"
#include "learn/window/way_back.hpp"

#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace fovea {

/// How outputs become labels.
struct LabelRule {
  /// Written where output n is the largest, or its region is; empty: n, for regions n + 1.
  std::vector<std::uint16_t> values = {};
  /// Outputs are regions that may hold each other: where a sigmoid is above 0.5 its value is
  /// painted, over those painted before it, in this order; elsewhere 0.
  bool regions = false;
};

/// Probabilities of a box of the input's grid. Boxes do not overlap and together fill the parts
/// of the cut that were done (WindowPlan::parts); outside of them the first class is certain,
/// and no region is.
struct ProbabilityBlock {
  WindowBox box;                  ///< of the input's grid
  std::span<float const> values;  ///< [output, k, j, i] without gaps
};

/// Options of `predict_by_windows`.
struct Windows {
  /// Voxels that a network sees at once, k, j, i. Networks of two dimensions go slice by slice:
  /// the first is 1.
  std::array<std::int64_t, 3> size{};
  double step = 0.5;  ///< from window to window, as a part of the window
  WindowPlaces places = WindowPlaces::even;
  WindowBlend blend = WindowBlend::gaussian;
  std::vector<int> flips = {};  ///< axes (0 is k, 2 is i): the mean over all their combinations
  std::int64_t batch = 0;       ///< windows at once; 0: what a network of their size likes
  LabelRule labels = {};
  /// Boxes of the cut, network axes, that are of interest: only windows that touch them are
  /// done, and they are answered as in the whole. They may overlap; empty: the whole cut.
  std::vector<WindowBox> parts = {};

  /// Bytes that prediction may take beside the source and the networks' weights, everything
  /// counted: what networks hold while they run, what is blended, the labels. 0: half of what
  /// the machine has to give.
  std::uint64_t memory = 0;
  std::uint64_t beside = 0;  ///< bytes of it that the caller takes meanwhile

  bool uncertainty = false;  ///< also make WindowPrediction::uncertainty
  std::function<void(ProbabilityBlock const&)> probabilities = {};
  std::function<void(double done, double all)> progress = {};  ///< windows
  Stop const* stop = nullptr;  ///< asked between batches; throws Interrupted
};

/// How a case will be predicted, chosen before the first window.
struct WindowPlan {
  std::int64_t windows = 0;   ///< with those that seams of stripes repeat, without flips
  std::int64_t passes = 0;    ///< through networks: windows * flips * networks
  std::int64_t batch = 1;     ///< windows at once
  bool features = false;      ///< blended instead of outputs
  std::int64_t channels = 0;  ///< that are blended
  bool half = false;          ///< in float16
  int along = 0;              ///< network axis along which rows are finished
  std::int64_t layers = 1;    ///< of windows along it that are done together
  std::array<std::int64_t, 3> stripes{1, 1, 1};  ///< along each network axis, of each part
  std::vector<WindowBox> parts = {};  ///< of the cut, apart from each other: those asked for,
                                      ///< near ones as one
  std::uint64_t memory = 0;           ///< bytes that it will take
  std::uint64_t minimum = 0;          ///< below which no plan would do
};

struct WindowPrediction {
  Volume labels;  ///< u8, u16 if a value asks for it; on the input's grid
  /// f32 on the input's grid: how far networks and flips are from agreeing, 0 where they do.
  /// Within each window v is the sum, over outputs, of the variances of probabilities over all
  /// of them; it is sqrt(v / 2) for classes (two outputs: the standard deviation of each, at
  /// most 0.5; more: at most 0.71), sqrt(v) for regions. Windows blend. 0 outside of what was
  /// done.
  std::optional<Volume> uncertainty = std::nullopt;
  WindowPlan plan;
};

/// Chooses the fastest plan that stays within `windows.memory`. Throws Error{resource} with the
/// minimum if none does; Error{usage} if an option is out of range; Error{input} if networks,
/// source and way do not fit together.
WindowPlan plan_windows(std::span<Network const> networks,
                        WindowSource const& source,
                        WayBack const& back,
                        Windows const& windows);

/// Labels of a whole case by one or several networks: windows over the prepared case (padded
/// with zeros where it is smaller than a window), blended, the mean of all flips and networks,
/// logits interpolated linearly to the input's grid, the largest taken or regions painted.
///
/// In      networks of 2 or 3 dimensions that give outputs of the size of their input, as they
///         are told to run (precision, layout, device); threads are LibTorch's
/// Source  Isensee et al., nnU-Net, Nature Methods 2021
/// Throws  as plan_windows; Interrupted
WindowPrediction predict_by_windows(std::span<Network const> networks,
                                    WindowSource const& source,
                                    WayBack const& back,
                                    Windows const& windows);

}  // namespace fovea
