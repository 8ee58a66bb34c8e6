#pragma once

#include "app/command.hpp"
#include "learn/segment/bundle.hpp"

#include <functional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace fovea {

/// What `fovea predict` takes for models that label voxels.
struct MaskFlags {
  std::string format, memory, statistics;
  bool no_flips = false, uncertainty = false, resume = false;
  double step = 0;
  std::vector<CLI::Option*> all;

  void offer(CLI::App& app);
  /// Throws Error{usage} if one was given: the model answers in words.
  void expect_none(std::string const& model) const;
};

/// Whoever labels voxels: a model of ours, of nnU-Net's, a MONAI bundle.
struct MaskMaker {
  struct Structure {
    std::string name;
    std::vector<std::int64_t> inside;  ///< values of masks
    std::uint16_t written = 0;         ///< its own value
  };
  std::string name, identity;         ///< for who made a DICOM object
  std::vector<std::string> channels;  ///< what each channel of an image is
  std::vector<Structure> structures;
  std::function<Segmented(Volume const& image, SegmentAsk const& ask)> make;
};
/// As `--no-flips` and `--step` say.
MaskMaker mask_maker(Model const& model, MaskFlags const& flags);
/// Throws Error{usage} if a flag was given that a bundle cannot heed.
MaskMaker mask_maker(BundleModel const& model, MaskFlags const& flags);

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
