#pragma once

#include "learn/model/package.hpp"
#include "learn/segment/codes.hpp"
#include "learn/segment/expected.hpp"
#include "learn/segment/seen.hpp"
#include "learn/segment/setup.hpp"
#include "learn/task/ways.hpp"
#include "learn/window/cleanup.hpp"

namespace fovea {

/// How a model wants its images and what its outputs mean: what a package keeps of a setup.
struct SegmentContract {
  Recipe recipe;  ///< with one config
  std::array<std::int64_t, 3> patch{};
  std::vector<std::string> channels;  ///< what each channel is
  LabelRule rule;
  std::vector<std::vector<std::int64_t>> inside;  ///< by structure: values of answers
  std::vector<int> flips;                         ///< axes k, j, i: 0, 1, 2
  double step = 0.5;
  std::string run_as = "float32";  ///< a row of execution_ways: what it was proven with
  Cleanup cleanup;
  std::array<double, 3> finest{}, coarsest{};  ///< mm along k, j, i of the training cases
  std::vector<SeenChannel> seen = {};          ///< their values by channel; empty: not known
  std::vector<ExpectedLine> expected = {};  ///< by structure; empty: nothing was learnt of it
  std::vector<Segment> described = {};      ///< by structure, as codes_json; empty: not known
  /// The second stage of a cascade: its networks see, behind the image's channels, one of 0 and
  /// 1 for each of these values of the first stage's mask (Model::before). Empty: none.
  std::vector<std::uint16_t> found = {};

  RecipeConfig const& config() const { return recipe.configs.front(); }
};

void write_contract(SegmentContract const& contract, ModelAbout& about);
/// Throws Error{input} if a model is no segmenter of this version, or damaged.
SegmentContract segment_contract(ModelAbout const& about);

/// A network that never saw such voxels answers anything: why it was not made for an image, in
/// sentences (spacing, intensities); empty if it was. In: as segment_image gives it. Throws
/// Error{input} on another number of channels, which it cannot take at all.
std::vector<std::string> outside_contract(SegmentContract const& contract, Volume const& image);
/// Throws Error{input} with the reasons if there are some.
void demand_contract(SegmentContract const& contract, Volume const& image);
/// Throws Error{input} if a series is of another kind (a word of DICOM, "CT") than the model's
/// channels, where both say of what kind they are.
void demand_modality(SegmentContract const& contract, std::string_view modality);

/// The Dice to expect of a case, by structure; none where nothing was found or too few cases of
/// validation had the structure.
Sureness expected_dice(SegmentContract const& contract, Sureness const& sureness);

/// A case as a model answers it.
struct Segmented {
  Volume labels;  ///< on the image's grid
  std::optional<Volume> uncertainty;
  Sureness sureness = {};  ///< by structure, if it was asked for; as before cleaning
};
struct SegmentAsk {
  std::uint64_t memory = 0;  ///< bytes; 0: half of what is free
  std::uint64_t beside = 0;  ///< of them, what the caller takes meanwhile
  bool uncertainty = false;
  bool sureness = false;
  bool cleanup = true;
  AskedWay way = {};     ///< nothing: as the model was proven
  bool outside = false;  ///< answer what breaks the contract, too: it is only measured
  /// Boxes of the image, k, j, i, outside of which nothing is looked for; empty: everywhere.
  /// What lies inside of them is found as it is without them, but for cleanup.
  std::vector<WindowBox> within = {};
  /// Boxes do not overlap and together fill the image.
  std::function<void(ProbabilityBlock const&)> probabilities = {};
  std::function<void(double done, double all)> progress = {};
  Stop const* stop = nullptr;
};
/// Throws Error{input} if the image breaks the contract: as demand_contract; as
/// predict_by_windows.
Segmented segmented(Model const& model,
                    SegmentContract const& contract,
                    Volume const& image,
                    SegmentAsk const& ask = {});

}  // namespace fovea
