#include "base/core/error.hpp"
#include "base/core/words.hpp"
#include "learn/recipe/fingerprint_file.hpp"
#include "learn/recipe/recipe_names.hpp"

#include <algorithm>
#include <initializer_list>

namespace fovea {
namespace {

constexpr std::size_t recipe_most_configs = 64;
constexpr std::size_t recipe_most_stages = 16;
constexpr std::size_t recipe_most_channels = 10'000;
constexpr std::int64_t recipe_most_voxels = std::int64_t{1} << 31;

// `known` only: another word means something that is not done here.
void recipe_expect(JsonAt const& at, std::initializer_list<std::string_view> known) {
  auto const written = at.words();
  if (std::find(known.begin(), known.end(), written) != known.end()) return;
  std::vector<std::string> const names(known.begin(), known.end());
  at.refuse(text("one of what is known here (", joined(names, ", "), ")"),
            "this plan needs the program that made it");
}

void recipe_expect_keys(JsonAt const& at, std::initializer_list<std::string_view> known) {
  for (auto const& [key, value] : at.members(known.size() + 64)) {
    if (std::find(known.begin(), known.end(), key) == known.end())
      value.refuse(text("no '", printable(key, ""), "', which is not known here"),
                   "this plan needs the program that made it");
  }
}

ResamplingRule recipe_rule(JsonAt const& config, std::string const& key, bool labels) {
  recipe_expect(config.at(key), {recipe_resampling});
  auto const from = config.at(key + "_kwargs");
  recipe_expect_keys(from, {"is_seg", "order", "order_z", "force_separate_z"});
  if (from.at("is_seg").flag() != labels) from.at("is_seg").refuse(labels ? "true" : "false");
  auto const order = [&](std::string_view name, bool z) {
    auto const at = from.at(name);
    auto const value = static_cast<int>(at.whole(0, 5));
    if (labels ? value > (z ? 0 : 1) : value != 0 && value != 1 && value != 3)
      at.refuse(labels ? (z ? "order 0, as labels have it here" : "order 0 or 1")
                       : "order 0, 1 or 3");
    return value;
  };
  ResamplingRule rule{order("order", false), order("order_z", true), std::nullopt};
  if (from.has("force_separate_z")) rule.separate_z = from.at("force_separate_z").flag();
  return rule;
}

// One number for each axis; nnU-Net also takes a single one for all.
std::vector<std::vector<std::int64_t>> recipe_by_axis(JsonAt const& at,
                                                      std::size_t stages,
                                                      std::size_t axes,
                                                      std::int64_t most) {
  std::vector<std::vector<std::int64_t>> out;
  for (auto const& item : at.items(stages, stages))
    out.push_back(item.json().is_array() ? item.wholes(axes, axes, 1, most)
                                         : std::vector(axes, item.whole(1, most)));
  return out;
}

void recipe_check_network(RecipeConfig const& config, JsonAt const& at) {
  for (std::size_t axis = 0; axis < config.patch.size(); ++axis) {
    std::int64_t product = 1;
    for (auto const& stride : config.network.strides) product *= stride[axis];
    if (config.patch[axis] % product != 0)
      at.refuse(text("a patch that its strides divide; along axis ", axis, " of the patch ",
                     config.patch[axis], " is no multiple of ", product));
    for (auto const& kernel : config.network.kernels)
      if (kernel[axis] % 2 == 0) at.refuse("odd kernel sizes");
  }
}

RecipeNetwork recipe_network(JsonAt const& architecture, std::size_t axes) {
  RecipeNetwork out;
  auto const name = architecture.at("network_class_name");
  constexpr std::string_view root = "dynamic_network_architectures.architectures.";
  auto const plain = text(root, "unet.", recipe_plain_class);
  auto const residual = text(root, "unet.", recipe_residual_class);
  auto const older = text(root, "residual_unet.", recipe_residual_class);
  recipe_expect(name, {plain, residual, older});
  out.kind = name.words() == plain ? SegmentationNetwork::plain : SegmentationNetwork::residual;
  auto const is_plain = out.kind == SegmentationNetwork::plain;
  auto const from = architecture.at("arch_kwargs");
  std::string_view const blocks = is_plain ? "n_conv_per_stage" : "n_blocks_per_stage";
  recipe_expect_keys(
      from, {"n_stages", "features_per_stage", "conv_op", "kernel_sizes", "strides", blocks,
             "n_conv_per_stage_decoder", "conv_bias", "norm_op", "norm_op_kwargs", "dropout_op",
             "dropout_op_kwargs", "nonlin", "nonlin_kwargs", "deep_supervision"});
  auto const stages =
      static_cast<std::size_t>(from.at("n_stages").whole(1, recipe_most_stages));
  auto const dimensions = text(axes, "d");
  recipe_expect(from.at("conv_op"), {recipe_conv + dimensions});
  recipe_expect(from.at("norm_op"), {recipe_norm + dimensions});
  recipe_expect(from.at("nonlin"),
                {"torch.nn.LeakyReLU", "torch.nn.modules.activation.LeakyReLU"});
  if (from.has("dropout_op")) from.at("dropout_op").refuse("no dropout");
  if (from.has("nonlin_kwargs")) {
    auto const slope = from.at("nonlin_kwargs");
    recipe_expect_keys(slope, {"inplace", "negative_slope"});
    if (slope.has("negative_slope") && slope.at("negative_slope").number(0, 1) != 0.01)
      slope.at("negative_slope").refuse("0.01");
  }
  if (from.has("norm_op_kwargs")) {
    auto const norm = from.at("norm_op_kwargs");
    recipe_expect_keys(norm, {"eps", "affine"});
    out.norm_eps = norm.has("eps") ? norm.at("eps").number(1e-12, 1) : 1e-5;
    if (!norm.has("affine") || !norm.at("affine").flag())
      norm.refuse("instance norm with \"affine\": true");
  }
  out.features = from.at("features_per_stage").wholes(stages, stages, 1, 65'536);
  out.kernels = recipe_by_axis(from.at("kernel_sizes"), stages, axes, 31);
  out.strides = recipe_by_axis(from.at("strides"), stages, axes, 8);
  out.encoder = from.at(blocks).wholes(stages, stages, 1, 64);
  out.decoder = from.at("n_conv_per_stage_decoder").wholes(stages - 1, stages - 1, 1, 64);
  out.bias = from.at("conv_bias").flag();
  return out;
}

// Plans of nnU-Net before 2.3 say the network in keys of the config.
RecipeNetwork recipe_older_network(JsonAt const& config, std::size_t axes) {
  RecipeNetwork out;
  recipe_expect(config.at("UNet_class_name"), {recipe_plain_class, recipe_residual_class});
  out.kind = config.at("UNet_class_name").words() == recipe_plain_class
                 ? SegmentationNetwork::plain
                 : SegmentationNetwork::residual;
  out.encoder = config.at("n_conv_per_stage_encoder").wholes(1, recipe_most_stages, 1, 64);
  auto const stages = out.encoder.size();
  out.decoder = config.at("n_conv_per_stage_decoder").wholes(stages - 1, stages - 1, 1, 64);
  auto const base = config.at("UNet_base_num_features").whole(1, 65'536);
  auto const most = config.at("unet_max_num_features").whole(1, 65'536);
  for (std::size_t stage = 0; stage < stages; ++stage)
    out.features.push_back(std::min(base << stage, most));
  out.kernels = recipe_by_axis(config.at("conv_kernel_sizes"), stages, axes, 31);
  out.strides = recipe_by_axis(config.at("pool_op_kernel_sizes"), stages, axes, 8);
  return out;
}

std::string recipe_stage(JsonAt const& config, std::string_view key) {
  if (!config.has(key)) return {};
  auto const at = config.at(key);
  return at.json().is_array() ? at.items(1, 1)[0].words() : at.words();
}

RecipeConfig recipe_config(std::string const& name, JsonAt const& from) {
  RecipeConfig out;
  out.name = name;
  out.identifier = from.at("data_identifier").words();
  recipe_expect(from.at("preprocessor_name"), {recipe_preprocessor});
  out.batch = from.at("batch_size").whole(1, 1'000'000);
  out.patch = from.at("patch_size").wholes(2, 3, 1, 65'536);
  auto const axes = out.patch.size();
  out.median_shape = from.at("median_image_size_in_voxels")
                         .numbers(axes, 3, 0, static_cast<double>(recipe_most_voxels));
  out.spacing = from.at("spacing").numbers(axes, axes, 1e-6, 1e6);
  for (auto const& item : from.at("normalization_schemes").items(1, recipe_most_channels)) {
    auto const written = item.words();
    auto const row =
        std::find_if(std::begin(recipe_normalisations), std::end(recipe_normalisations),
                     [&](auto const& one) { return one.name == written; });
    if (row == std::end(recipe_normalisations))
      item.refuse(
          "CTNormalization, ZScoreNormalization, NoNormalization, "
          "RescaleTo01Normalization or RGBTo01Normalization",
          "this plan needs the program that made it");
    out.normalisation.push_back(row->is);
  }
  auto const channels = out.normalisation.size();
  for (auto const& item : from.at("use_mask_for_norm").items(channels, channels))
    out.masked.push_back(item.flag());
  out.image = recipe_rule(from, "resampling_fn_data", false);
  out.labels = recipe_rule(from, "resampling_fn_seg", true);
  out.logits = recipe_rule(from, "resampling_fn_probabilities", false);
  out.network = from.has("architecture") ? recipe_network(from.at("architecture"), axes)
                                         : recipe_older_network(from, axes);
  recipe_check_network(out, from);
  out.batch_dice = from.at("batch_dice").flag();
  out.previous = recipe_stage(from, "previous_stage");
  out.next = recipe_stage(from, "next_stage");
  return out;
}

// The config's own keys over those of what it inherits from, and so on up.
Json recipe_inherited(JsonAt const& configs, std::string const& name) {
  std::vector<std::string> visited{name};
  Json out = configs.at(name).json();
  for (auto next = recipe_stage({out, configs.path()}, "inherits_from"); !next.empty();) {
    if (std::find(visited.begin(), visited.end(), next) != visited.end())
      configs.at(name).refuse("configs that do not inherit in a circle");
    visited.push_back(next);
    auto const parent = configs.at(next);
    auto const above = recipe_stage(parent, "inherits_from");
    for (auto const& [key, value] : parent.members(1000)) {
      if (!out.contains(key)) out[key] = value.json();
    }
    next = above;
  }
  return out;
}

std::array<std::size_t, 3> recipe_order(JsonAt const& at) {
  auto const axes = at.wholes(3, 3, 0, 2);
  std::array<std::size_t, 3> out{};
  std::array<bool, 3> seen{};
  for (std::size_t n = 0; n < 3; ++n) {
    out[n] = static_cast<std::size_t>(axes[n]);
    seen[out[n]] = true;
  }
  if (!seen[0] || !seen[1] || !seen[2]) at.refuse("0, 1 and 2 once each");
  return out;
}

}  // namespace

Recipe read_recipe(Json const& json, std::string_view what) {
  JsonAt const file{json, std::string{what}};
  Recipe out;
  out.dataset = file.at("dataset_name").words();
  out.name = file.at("plans_name").words();
  if (file.has("experiment_planner_used"))
    out.planner = file.at("experiment_planner_used").words();
  out.reader = file.at("image_reader_writer").words();
  if (file.has("label_manager"))
    recipe_expect(file.at("label_manager"), {recipe_label_manager});
  auto const spacing = file.at("original_median_spacing_after_transp").numbers(3, 3, 0, 1e6);
  auto const shape =
      file.at("original_median_shape_after_transp").wholes(3, 3, 0, recipe_most_voxels);
  std::copy_n(spacing.begin(), 3, out.median_spacing.begin());
  std::copy_n(shape.begin(), 3, out.median_shape.begin());
  out.forward = recipe_order(file.at("transpose_forward"));
  out.backward = recipe_order(file.at("transpose_backward"));
  for (std::size_t n = 0; n < 3; ++n) {
    if (out.forward[out.backward[n]] != n)
      file.at("transpose_backward").refuse("the inverse of transpose_forward");
  }
  auto const older = "foreground_intensity_properties_by_modality";
  auto const newer = "foreground_intensity_properties_per_channel";
  out.intensities = read_intensities(file.at(file.has(newer) ? newer : older));
  auto const configs = file.at("configurations");
  for (auto const& [name, config] : configs.members(recipe_most_configs)) {
    auto const whole = recipe_inherited(configs, name);
    auto read = recipe_config(name, {whole, config.path()});
    if (read.normalisation.size() != out.intensities.size())
      config.refuse(text("as many normalisations as there are channels with intensities, ",
                         out.intensities.size()));
    out.configs.push_back(std::move(read));
  }
  if (out.configs.empty()) configs.refuse("at least one config");
  for (auto const& config : out.configs) {
    for (auto const& other : {config.previous, config.next}) {
      auto const known = [&](auto const& one) { return one.name == other; };
      if (!other.empty() && std::none_of(out.configs.begin(), out.configs.end(), known))
        configs.refuse(text("a config '", printable(other, ""), "', which '",
                            printable(config.name, ""), "' names as a stage"));
    }
  }
  return out;
}

}  // namespace fovea
