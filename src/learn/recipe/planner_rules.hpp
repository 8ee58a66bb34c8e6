#pragma once

#include "learn/recipe/planner.hpp"

#include <string_view>

namespace fovea {

/// What nnU-Net's planners differ in. References are elements of feature maps that fit into
/// `memory_gb` with a batch of 2 (3D) and 12 (2D).
struct RecipePresetRow {
  RecipePreset is;
  std::string_view name, plans_name, planner, in_words;
  bool residual;
  double memory_gb, reference_3d, reference_2d;
  double most_of_dataset;  ///< voxels of a batch, of all there are
};
RecipePresetRow const& recipe_preset_row(RecipePreset preset);

/// The median shape of cases brought to a spacing.
Spacing3 planner_shape_after(Fingerprint const& fingerprint, Spacing3 const& target);

}  // namespace fovea
