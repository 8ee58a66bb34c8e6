#include "base/core/words.hpp"
#include "learn/recipe/planner.hpp"
#include "learn/recipe/planner_rules.hpp"

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

std::string explained_number(double value) {
  auto words = fixed(value, value < 10 ? 3 : 1);
  while (words.ends_with('0')) words.pop_back();
  if (words.ends_with('.')) words.pop_back();
  return words;
}

template <class Numbers>
std::string explained_by_axis(Numbers const& numbers) {
  std::vector<std::string> words;
  for (auto const one : numbers) words.push_back(explained_number(static_cast<double>(one)));
  return joined(words, " x ");
}

std::string explained_percent(double share) {
  return text(fixed(100 * share, share < 0.1 ? 1 : 0), " %");
}

std::string explained_millions(double elements) {
  return text(fixed(elements / 1e6, 0), " million");
}

double explained_voxels(auto const& shape) {
  double out = 1;
  for (auto const one : shape) out *= static_cast<double>(one);
  return out;
}

std::string explained_normalisation(Normalisation how, IntensityStatistics const& statistics) {
  switch (how) {
    case Normalisation::ct:
      return text("its values mean the same in every image: held between ",
                  explained_number(statistics.lower), " and ",
                  explained_number(statistics.upper), " (percentiles 0.5 and 99.5), minus ",
                  explained_number(statistics.mean), ", over ",
                  explained_number(statistics.deviation));
    case Normalisation::z_score:
      return "its values have no unit: each image minus its mean, over its deviation";
    case Normalisation::none:
      return "the channel's name asks for values as they are";
    case Normalisation::zero_one:
      return "the channel's name asks for each image from 0 to 1";
    case Normalisation::rgb:
      break;
  }
  return "the channel's name says a colour: over 255";
}

// What the rows of all configs look at.
struct ExplainedPlan {
  Recipe const& recipe;
  RecipeDataset const& dataset;
  RecipePresetRow const& preset;
  double memory;
  std::vector<RecipeRow>& rows;

  void say(std::string key, std::string value, std::string reason) const {
    rows.push_back({std::move(key), std::move(value), std::move(reason)});
  }
};

void explained_dataset(ExplainedPlan const& plan, Fingerprint const& fingerprint) {
  auto const& recipe = plan.recipe;
  plan.say("cases", text(plan.dataset.cases),
           text("median ", explained_by_axis(recipe.median_shape), " voxels of ",
                explained_by_axis(recipe.median_spacing), " mm"));
  plan.say("crop", explained_percent(fingerprint.size_ratio),
           "of the voxels remain (median) when what is zero around an image is cut off");
  auto const kept = recipe.forward == std::array<std::size_t, 3>{0, 1, 2};
  plan.say(
      "axes", text(recipe.forward[0], ", ", recipe.forward[1], ", ", recipe.forward[2]),
      kept ? "as they are: the first is the coarsest, or none is coarser"
           : "the coarsest axis comes first, so that slices are those with the most detail");
  auto const& config = recipe.configs[0];
  for (std::size_t n = 0; n < plan.dataset.channels.size(); ++n) {
    auto reason = explained_normalisation(config.normalisation[n], recipe.intensities[n]);
    if (config.masked[n])
      reason += text("; inside what is not zero only, as the crop keeps less than 75 %");
    plan.say(text("channel ", n, " (", printable(plan.dataset.channels[n], ""), ")"),
             std::string{name_of(config.normalisation[n])}, reason);
  }
}

std::string explained_spacing(ExplainedPlan const& plan, RecipeConfig const& config) {
  if (config.name == "3d_lowres")
    return "coarser step by step until a patch sees a quarter of the image";
  if (config.is_2d()) return "the median of both axes; slices stay as far apart as they are";
  auto const coarse = config.spacing[0] != plan.recipe.median_spacing[0];
  return coarse
             ? "the median of each axis, but the 10th percentile of the slices' distance: it "
               "is more than 3 times the others, and the median would blur the thinnest"
             : "the median of each axis";
}

std::string explained_patch(ExplainedPlan const& plan,
                            RecipeConfig const& config,
                            double elements,
                            double reference) {
  auto const whole =
      std::equal(config.patch.begin(), config.patch.end(), config.median_shape.begin(),
                 [](auto patch, auto shape) { return static_cast<double>(patch) >= shape; });
  if (whole) return "the whole median image, up to what the network's halvings divide";
  auto const limit =
      plan.preset.residual ? reference : reference * (config.is_2d() ? 12 : 2) / 2;
  return text(
      "as much of the image (",
      explained_percent(explained_voxels(config.patch) / explained_voxels(config.median_shape)),
      ") as ", explained_number(plan.memory), " GB hold: ", explained_millions(elements),
      " values of feature maps a sample, at most ", explained_millions(limit));
}

std::string explained_batch(ExplainedPlan const& plan,
                            RecipeConfig const& config,
                            double elements,
                            double reference) {
  auto const fits = std::nearbyint(reference / elements * (config.is_2d() ? 12 : 2));
  if (static_cast<double>(config.batch) >= fits) {
    return config.batch == 2 && fits < 2
               ? "the least that nnU-Net trains with"
               : text("what ", explained_number(plan.memory), " GB hold with this patch");
  }
  return text("memory would hold ", explained_number(fits),
              ", but a batch shall not see more than ",
              explained_percent(plan.preset.most_of_dataset), " of the data set",
              config.batch == 2 ? "; 2 at least" : "");
}

std::string explained_network(RecipeConfig const& config) {
  std::vector<std::string> halvings;
  for (std::size_t axis = 0; axis < config.patch.size(); ++axis) {
    std::int64_t count = 0;
    for (auto const& stride : config.network.strides) count += stride[axis] > 1;
    halvings.push_back(text(count));
  }
  return text("halved ", joined(halvings, ", "),
              " times along its axes: while 4 voxels remain and "
              "an axis is not twice as coarse as the finest");
}

void explained_config(ExplainedPlan const& plan, RecipeConfig const& config) {
  auto const key = [&](std::string_view of) { return text(config.name, ".", of); };
  if (!config.previous.empty()) {
    plan.say(config.name, text("after ", config.previous),
             "as 3d_fullres, but also sees what the coarser network found, a channel a label");
    return;
  }
  auto const elements = static_cast<double>(
      feature_map_elements(config.network, config.patch, plan.dataset.labels));
  auto const reference =
      (config.is_2d() ? plan.preset.reference_2d : plan.preset.reference_3d) * plan.memory /
      plan.preset.memory_gb;
  plan.say(key("spacing"), explained_by_axis(config.spacing) + " mm",
           explained_spacing(plan, config));
  plan.say(key("image"), explained_by_axis(config.median_shape),
           "the median image at this spacing, voxels");
  plan.say(key("patch"), explained_by_axis(config.patch),
           explained_patch(plan, config, elements, reference));
  plan.say(key("batch"), text(config.batch),
           explained_batch(plan, config, elements, reference));
  plan.say(key("network"),
           text(plan.preset.in_words, ", ", config.network.stages(), " stages, ",
                config.network.features.front(), " to ", config.network.features.back(),
                " features"),
           explained_network(config));
  plan.say(key("batch_dice"), config.batch_dice ? "true" : "false",
           config.batch_dice
               ? "patches are small beside the image, so that structures are often "
                 "cut: Dice is of the whole batch"
               : "patches see most of the image: Dice is of each sample");
}

void explained_absent(ExplainedPlan const& plan) {
  auto const& configs = plan.recipe.configs;
  auto const has = [&](std::string_view name) {
    return std::any_of(configs.begin(), configs.end(),
                       [&](auto const& one) { return one.name == name; });
  };
  if (!has("3d_fullres")) {
    plan.say("3d_fullres", "none", "the median image has a single slice");
  } else if (!has("3d_lowres")) {
    auto const& full = plan.recipe.config("3d_fullres");
    auto const share = explained_voxels(full.patch) / explained_voxels(full.median_shape);
    plan.say(
        "3d_lowres", "none",
        share >= 0.25
            ? text("a patch sees ", explained_percent(std::min(share, 1.0)),
                   " of the image; below 25 % a coarser network would look first")
            : "coarse enough to see a quarter of the image would be less than half its voxels"
              " away from full resolution");
  }
}

}  // namespace

std::vector<RecipeRow> explained(Recipe const& recipe,
                                 Fingerprint const& fingerprint,
                                 RecipeDataset const& dataset,
                                 PlannerOptions const& options) {
  std::vector<RecipeRow> rows;
  auto const& preset = recipe_preset_row(options.preset);
  ExplainedPlan const plan{recipe, dataset, preset,
                           options.memory_gb > 0 ? options.memory_gb : preset.memory_gb, rows};
  explained_dataset(plan, fingerprint);
  for (auto const& config : recipe.configs) explained_config(plan, config);
  explained_absent(plan);
  return rows;
}

}  // namespace fovea
