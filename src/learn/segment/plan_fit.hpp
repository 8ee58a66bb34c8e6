#pragma once

#include "learn/plan/plan.hpp"
#include "learn/recipe/planner.hpp"

#include <vector>

namespace fovea {

/// Whether the plan's network sees pictures only, no volumes.
bool plan_is_flat(Plan const& plan);

/// Says of what nobody asked for why nnU-Net's rules give it its value; `rows` as explained()
/// makes them.
void plan_reasons(std::vector<RecipeRow> const& rows, RecipeConfig const& config, Plan& plan);

/// Rounds the sides of a patch that nobody asked for up to what the plan's network can halve.
void plan_fit_patch(std::int64_t outputs, Plan& plan);

/// Says in the reasons (reasons.hpp) where the plan leaves what nnU-Net would train, with its
/// value: the recipe's config and the fixed part of its trainer (SGD, 250,000 updates …); and
/// which keys are not used.
void plan_tell_differences(Recipe const& recipe, RecipeConfig const& config, Plan& plan);

}  // namespace fovea
