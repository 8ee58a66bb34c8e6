#pragma once

#include "app/command.hpp"
#include "learn/segment/panel.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace fovea {

/// What `fovea predict` takes for models that label voxels.
struct MaskFlags {
  std::string format, memory, statistics, roi_model, precision, executor;
  std::vector<std::string> with, codes;
  bool no_flips = false, no_quality = false, sr = false, uncertainty = false, resume = false;
  bool save_probabilities = false, roi = false;
  double step = 0;
  std::vector<CLI::Option*> all;

  void offer(CLI::App& app);
  /// Throws Error{usage} if one was given but `precision` and `executor`: the model answers in
  /// words.
  void expect_none(std::string const& model) const;
  AskedWay way() const;
};

/// Whoever labels voxels.
struct MaskMaker {
  struct Structure {
    std::string name;
    std::vector<std::int64_t> inside;    ///< values of masks
    std::int64_t written = 0;            ///< its own value
    std::optional<Segment> described{};  ///< as the segmentations that were learnt from
  };
  std::string name, identity;         ///< for who made a DICOM object
  std::string run_as;                 ///< precision, memory format, executor; empty: its own
  std::vector<std::string> channels;  ///< what each channel of an image is
  std::vector<Structure> structures;
  std::vector<std::string> outputs;    ///< what probabilities are of; empty: it gives none
  bool sum_to_one = false;             ///< probabilities of a voxel
  bool needs_room = false;             ///< for probabilities, even if nobody wants them
  std::vector<ExpectedLine> expected;  ///< by structure; empty: nothing is expected
  /// Throws Error{input} on a DICOM series of another kind than it was made for.
  std::function<void(std::string_view modality)> demand_modality;
  /// The coarse look, if there is one: boxes outside of which nothing is looked for.
  std::function<std::vector<WindowBox>(Volume const& image, SegmentAsk const& ask)> look;
  std::function<Segmented(
      Volume const& image, SegmentAsk const& ask, ProbabilityRoom const& room)>
      make;
};

/// Labels every volume, picture or DICOM series among the inputs and writes the masks into a
/// folder: on the grid of the input and under its name. What breaks the model's contract gets
/// no mask but a reason, and the others go on. Throws Error{usage} without a folder,
/// Error{input} if nothing got a mask, Interrupted.
int predict_masks(MaskMaker const& maker,
                  std::string const& name,
                  std::vector<std::string> const& inputs,
                  std::string const& out,
                  MaskFlags const& flags,
                  bool json);

}  // namespace fovea
