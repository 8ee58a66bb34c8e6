#pragma once

#include "learn/data/dataset.hpp"
#include "learn/nn/segmenter.hpp"
#include "learn/patch/places.hpp"
#include "learn/plan/plan.hpp"
#include "learn/recipe/recipe.hpp"
#include "learn/score/score.hpp"
#include "learn/window/predict.hpp"

#include <optional>
#include <string>
#include <vector>

namespace fovea {

/// What a network's outputs stand for, and how masks become what is learnt.
///
/// One label a voxel: output 0 is the background, output n the nth label, and stored labels are
/// outputs. Regions (labels that share values): output n is the nth region, yes or no, and
/// stored labels are the mask's own values.
struct SegmentTargets {
  std::vector<std::string> names;      ///< by structure
  std::vector<LabelSet> inside;        ///< by structure: stored labels
  std::vector<std::uint16_t> written;  ///< by structure: its value in answers
  bool regions = false;
  std::optional<std::int16_t> ignore;  ///< stored

  std::int64_t outputs() const {
    return static_cast<std::int64_t>(names.size()) + (regions ? 0 : 1);
  }
  /// Outputs to values of the answer.
  LabelRule rule() const;
  /// Of a mask's value. Throws Error{bug} if the set does not declare it.
  std::int16_t stored(std::int32_t value) const;

  std::vector<std::vector<std::int32_t>> values;  ///< by structure: of masks
  std::optional<std::int32_t> ignored_value;      ///< of masks
};
/// Throws Error{input} if a value is above 32767.
SegmentTargets targets_of(Dataset const& set);

/// What a plan says, as the parts that do it take it.
struct SegmentSetup {
  Recipe recipe;  ///< with one config
  std::string network;
  SegmentDraw draw;
  /// Of a cascade's second stage: what the first one's masks show, by channel behind the
  /// image's.
  std::vector<std::uint16_t> found = {};

  RecipeConfig const& config() const { return recipe.configs.front(); }
  /// k, j, i; the first is 1 in two dimensions.
  std::array<std::int64_t, 3> patch() const;
};
/// Throws Error{usage} naming the key if numbers do not fit together.
/// As many channels as 'normalisation' has rows, and one for each of 'first_stage_values'.
SegmentSetup setup_of(Plan const& plan, std::int64_t outputs);
/// Sides of a patch are multiples of these, one number for each of its axes, for the plan's
/// network. Throws as setup_of, but for the patch.
std::vector<std::int64_t> patch_steps(Plan const& plan, std::int64_t outputs);

/// A config as keys of a plan and their values.
struct ConfigWord {
  std::string_view key;
  std::string value;
};
std::vector<ConfigWord> config_words(Recipe const& recipe, RecipeConfig const& config);
/// Writes a config into the keys that nobody has set.
void write_config(Recipe const& recipe,
                  RecipeConfig const& config,
                  Plan& plan,
                  std::string const& reason);

std::string_view word_of(Normalisation normalisation);  ///< "ct", "z-score", …

}  // namespace fovea
