#include "learn/recipe/recipe.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"
#include "learn/recipe/fingerprint_file.hpp"
#include "learn/recipe/recipe_names.hpp"

#include <algorithm>

namespace fovea {
namespace {

Json recipe_resampling_json(ResamplingRule const& rule, bool labels) {
  return {{"is_seg", labels},
          {"order", rule.order},
          {"order_z", rule.order_z},
          {"force_separate_z", rule.separate_z ? Json(*rule.separate_z) : Json(nullptr)}};
}

Json recipe_network_json(RecipeNetwork const& network, std::size_t axes) {
  auto const residual = network.kind == SegmentationNetwork::residual;
  auto const dimensions = text(axes, "d");
  Json keywords{{"n_stages", network.stages()},
                {"features_per_stage", network.features},
                {"conv_op", recipe_conv + dimensions},
                {"kernel_sizes", network.kernels},
                {"strides", network.strides}};
  keywords[residual ? "n_blocks_per_stage" : "n_conv_per_stage"] = network.encoder;
  keywords["n_conv_per_stage_decoder"] = network.decoder;
  keywords["conv_bias"] = network.bias;
  keywords["norm_op"] = recipe_norm + dimensions;
  keywords["norm_op_kwargs"] = {{"eps", network.norm_eps}, {"affine", true}};
  keywords["dropout_op"] = nullptr;
  keywords["dropout_op_kwargs"] = nullptr;
  keywords["nonlin"] = "torch.nn.LeakyReLU";
  keywords["nonlin_kwargs"] = {{"inplace", true}};
  return {{"network_class_name", text("dynamic_network_architectures.architectures.unet.",
                                      residual ? recipe_residual_class : recipe_plain_class)},
          {"arch_kwargs", keywords},
          {"_kw_requires_import", {"conv_op", "norm_op", "dropout_op", "nonlin"}}};
}

Json recipe_config_json(RecipeConfig const& config) {
  auto schemes = Json::array();
  for (auto const one : config.normalisation) schemes.push_back(name_of(one));
  Json out{{"data_identifier", config.identifier},
           {"preprocessor_name", recipe_preprocessor},
           {"batch_size", config.batch},
           {"patch_size", config.patch},
           {"median_image_size_in_voxels", config.median_shape},
           {"spacing", config.spacing},
           {"normalization_schemes", schemes},
           {"use_mask_for_norm", config.masked},
           {"resampling_fn_data", recipe_resampling},
           {"resampling_fn_seg", recipe_resampling},
           {"resampling_fn_data_kwargs", recipe_resampling_json(config.image, false)},
           {"resampling_fn_seg_kwargs", recipe_resampling_json(config.labels, true)},
           {"resampling_fn_probabilities", recipe_resampling},
           {"resampling_fn_probabilities_kwargs", recipe_resampling_json(config.logits, false)},
           {"architecture", recipe_network_json(config.network, config.patch.size())},
           {"batch_dice", config.batch_dice}};
  if (!config.previous.empty()) out["previous_stage"] = config.previous;
  if (!config.next.empty()) out["next_stage"] = config.next;
  return out;
}

// The config that is the same but for its name and the stage before it.
RecipeConfig const* recipe_parent(Recipe const& recipe, RecipeConfig config) {
  if (config.previous.empty()) return nullptr;
  for (auto const& other : recipe.configs) {
    config.name = other.name;
    config.previous = other.previous;
    if (other.previous.empty() && other == config) return &other;
  }
  return nullptr;
}

}  // namespace

std::string_view name_of(Normalisation normalisation) {
  return recipe_normalisations[static_cast<std::size_t>(normalisation)].name;
}

Normalisation normalisation_of_channel(std::string_view channel) {
  auto const written = lower(channel);
  auto const row =
      std::find_if(std::begin(recipe_normalisations), std::end(recipe_normalisations),
                   [&](auto const& one) { return one.channel == written; });
  return row == std::end(recipe_normalisations) ? Normalisation::z_score : row->is;
}

RecipeConfig const& Recipe::config(std::string_view wanted) const {
  auto const found = std::find_if(configs.begin(), configs.end(),
                                  [&](auto const& one) { return one.name == wanted; });
  if (found != configs.end()) return *found;
  std::vector<std::string> names;
  for (auto const& one : configs) names.push_back(one.name);
  throw Error{Fault::usage, text("no config '", printable(wanted, ""), "' in the plan"),
              text("it has: ", joined(names, ", "))};
}

Json recipe_json(Recipe const& recipe) {
  auto configs = Json::object();
  for (auto const& config : recipe.configs) {
    auto const* const parent = recipe_parent(recipe, config);
    configs[config.name] = parent != nullptr ? Json{{"inherits_from", parent->name},
                                                    {"previous_stage", config.previous}}
                                             : recipe_config_json(config);
  }
  return {
      {"dataset_name", recipe.dataset},
      {"plans_name", recipe.name},
      {"original_median_spacing_after_transp", recipe.median_spacing},
      {"original_median_shape_after_transp", recipe.median_shape},
      {"image_reader_writer", recipe.reader},
      {"transpose_forward", recipe.forward},
      {"transpose_backward", recipe.backward},
      {"configurations", configs},
      {"experiment_planner_used", recipe.planner},
      {"label_manager", recipe_label_manager},
      {"foreground_intensity_properties_per_channel", intensities_json(recipe.intensities)}};
}

}  // namespace fovea
