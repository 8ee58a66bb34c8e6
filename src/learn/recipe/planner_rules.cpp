#include "learn/recipe/planner_rules.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace fovea {
namespace {

constexpr RecipePresetRow planner_presets[] = {
    {RecipePreset::plain, "plain", "nnUNetPlans", "ExperimentPlanner", "plain U-Net", false, 8,
     560e6, 85e6, 0.05},
    {RecipePreset::resenc_m, "resenc-m", "nnUNetResEncUNetMPlans", "nnUNetPlannerResEncM",
     "residual encoder, M", true, 8, 680e6, 135e6, 1},
    {RecipePreset::resenc_l, "resenc-l", "nnUNetResEncUNetLPlans", "nnUNetPlannerResEncL",
     "residual encoder, L", true, 24, 2100e6, 380e6, 1},
    {RecipePreset::resenc_xl, "resenc-xl", "nnUNetResEncUNetXLPlans", "nnUNetPlannerResEncXL",
     "residual encoder, XL", true, 40, 3600e6, 560e6, 1},
};

// Held at what is far more than any memory: files may claim any size.
constexpr std::int64_t planner_too_many = std::int64_t{1} << 50;

std::int64_t planner_times(std::int64_t a, std::int64_t b) {
  std::int64_t out = 0;
  return __builtin_mul_overflow(a, b, &out) ? planner_too_many
                                            : std::min(out, planner_too_many);
}

std::int64_t planner_elements(std::span<std::int64_t const> size) {
  std::int64_t out = 1;
  for (auto const one : size) out = planner_times(out, one);
  return out;
}

}  // namespace

RecipePresetRow const& recipe_preset_row(RecipePreset preset) {
  return planner_presets[static_cast<std::size_t>(preset)];
}

std::string_view name_of(RecipePreset preset) {
  return recipe_preset_row(preset).name;
}

RecipePreset recipe_preset(std::string_view name) {
  std::vector<std::string> known;
  for (auto const& row : planner_presets) {
    if (row.name == name) return row.is;
    known.emplace_back(row.name);
  }
  throw Error{Fault::usage,
              text("no preset '", printable(name, ""), "'", did_you_mean(name, known)),
              "name one that there is"};
}

std::int64_t feature_map_elements(RecipeNetwork const& network,
                                  std::span<std::int64_t const> patch,
                                  std::int64_t outputs) {
  auto const residual = network.kind == SegmentationNetwork::residual;
  std::vector<std::int64_t> size(patch.begin(), patch.end());
  // The stem of a residual encoder sees the patch as it is.
  auto sum = residual ? planner_times(network.features[0], planner_elements(size)) : 0;
  std::vector<std::int64_t> elements;  // of one feature of a stage
  auto before = network.features[0];
  for (std::size_t stage = 0; stage < network.stages(); ++stage) {
    bool strided = false;
    for (std::size_t axis = 0; axis < size.size(); ++axis) {
      auto const smaller = size[axis] / network.strides[stage][axis];
      strided = strided || smaller != size[axis];
      size[axis] = smaller;
    }
    auto const features = network.features[stage];
    elements.push_back(planner_elements(size));
    // A block has two convolutions; the first also a shortcut where it changes the shape.
    auto const maps = residual
                          ? 2 * network.encoder[stage] + (strided || features != before ? 1 : 0)
                          : network.encoder[stage];
    sum += planner_times(maps * features, elements.back());
    before = features;
  }
  for (std::size_t stage = 0; stage + 1 < network.stages(); ++stage)
    // One more is the transposed convolution.
    sum +=
        planner_times((network.decoder[stage] + 1) * network.features[stage], elements[stage]);
  return sum + (network.stages() > 1 ? planner_times(outputs, elements[0]) : 0);
}

}  // namespace fovea
