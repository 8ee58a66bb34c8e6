#pragma once

#include "learn/recipe/recipe.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fovea {

/// What the planner needs to know of a data set beside its fingerprint.
struct RecipeDataset {
  std::string name;
  std::vector<std::string> channels = {};  ///< their names choose the normalisation
  std::int64_t labels = 2;  ///< as declared, with the background, regions, ignore label
  std::int64_t cases = 1;   ///< for training
  std::string reader = "SimpleITKIO";
};

enum class RecipePreset {
  plain,     ///< nnU-Net's default, 8 GB
  resenc_m,  ///< residual encoder, 8 GB
  resenc_l,  ///< 24 GB
  resenc_xl  ///< 40 GB
};
/// "plain", "resenc-m", "resenc-l", "resenc-xl".
std::string_view name_of(RecipePreset preset);
/// Throws Error{usage} with the nearest name.
RecipePreset recipe_preset(std::string_view name);

struct PlannerOptions {
  RecipePreset preset = RecipePreset::plain;
  double memory_gb = 0;  ///< of the device that nnU-Net plans for; 0: the preset's own
};

/// The plan that nnU-Net 2.8.1 makes from the same fingerprint: target spacing, order of axes,
/// normalisation, patch, batch and network for each config, its ties and half-to-even rounding.
///
/// Throws Error{input} if the fingerprint has no case or its channels are not the data set's;
///         Error{usage} if the memory is below 1 GB
/// Source  Isensee et al., nnU-Net, Nature Methods 2021; nnU-Net Revisited, MICCAI 2024
Recipe plan_recipe(Fingerprint const& fingerprint,
                   RecipeDataset const& dataset,
                   PlannerOptions const& options = {});

/// Elements of all feature maps of a network for one patch: what nnU-Net takes as the measure
/// of memory. `outputs`: channels of the last layer.
std::int64_t feature_map_elements(RecipeNetwork const& network,
                                  std::span<std::int64_t const> patch,
                                  std::int64_t outputs);

/// The plan with the reasons in words, for people: rows of the data set first, then of each
/// config (keys "3d_fullres.patch", ...).
std::vector<RecipeRow> explained(Recipe const& recipe,
                                 Fingerprint const& fingerprint,
                                 RecipeDataset const& dataset,
                                 PlannerOptions const& options = {});

}  // namespace fovea
