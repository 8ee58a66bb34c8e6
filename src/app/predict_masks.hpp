#pragma once

#include "app/command.hpp"
#include "learn/segment/panel.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace fovea {

/// What `fovea predict` takes for models that label voxels.
struct MaskFlags {
  std::string format, memory, statistics, roi_model;
  std::vector<std::string> with, codes;
  bool no_flips = false, no_quality = false, sr = false, uncertainty = false, resume = false;
  bool save_probabilities = false, roi = false;
  double step = 0;
  std::vector<CLI::Option*> all;

  void offer(CLI::App& app);
  /// Throws Error{usage} if one was given: the model answers in words.
  void expect_none(std::string const& model) const;
};

/// Who labels.
struct MaskModels {
  std::vector<PanelMember> panel;  ///< one, or several that answer together
  /// Looks where there is something, before the panel looks there alone.
  std::optional<std::pair<Model, SegmentContract>> coarse;
};

/// Labels every volume, picture or DICOM series among the inputs and writes the masks into a
/// folder: on the grid of the input and under its name. What breaks the model's contract gets
/// no mask but a reason, and the others go on. Throws Error{usage} without a folder,
/// Error{input} if nothing got a mask, Interrupted.
int predict_masks(MaskModels models,
                  std::string const& name,
                  std::vector<std::string> const& inputs,
                  std::string const& out,
                  MaskFlags const& flags,
                  bool json);

}  // namespace fovea
