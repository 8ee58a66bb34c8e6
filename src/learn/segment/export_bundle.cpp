#include "learn/segment/export_bundle.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"
#include "learn/nn/torchscript.hpp"

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

Json export_step(std::string const& name, std::string const& key, Json const& options = {}) {
  Json out = {{"_target_", name}, {"keys", key}};
  if (options.is_object()) out.update(options);
  return out;
}

// One channel's normalisation as Python, of x with that channel alone.
std::string export_normalised(Normalisation how, IntensityStatistics const& facts) {
  auto const scaled = [](std::string const& x, double off, double by) {
    return text("(", x, " - ", spelled(off), ") / ", spelled(std::max(by, 1e-8)));
  };
  switch (how) {
    case Normalisation::ct:
      return scaled(text("x.clamp(", spelled(facts.lower), ", ", spelled(facts.upper), ")"),
                    facts.mean, facts.deviation);
    case Normalisation::z_score:
      return "(x - x.mean()) / max(float(x.std(unbiased=False)), 1e-8)";
    case Normalisation::zero_one:
      return "(x - x.min()) / max(float(x.max() - x.min()), 1e-8)";
    case Normalisation::rgb:
      return "x / 255.0";
    case Normalisation::none:
      break;
  }
  return "x";
}

// Equal for all channels: a transform of MONAI's. Else one function of all.
void export_normalisation(SegmentContract const& contract, Json& steps) {
  auto const& config = contract.config();
  auto const& hows = config.normalisation;
  auto const same = std::ranges::all_of(hows, [&](auto how) { return how == hows.front(); }) &&
                    std::ranges::all_of(config.masked, [&](bool masked) {
                      return masked == config.masked.front();
                    });
  // MONAI leaves out the zeros of each channel by itself, we what is 0 in all of them.
  for (std::size_t c = 0; hows.size() > 1 && c < hows.size(); ++c) {
    if (hows[c] == Normalisation::z_score && config.masked.at(c))
      throw Error{Fault::usage,
                  text("expected channels that are normalised over all voxels for a bundle of "
                       "MONAI's, got ",
                       hows.size(),
                       " channels of which some are normalised inside the foreground of all: "
                       "MONAI has no transform for that"),
                  "export the package, or TorchScript"};
  }
  auto const& facts = contract.recipe.intensities;
  if (same && hows.front() == Normalisation::none) return;
  if (same && hows.front() == Normalisation::z_score) {
    steps.push_back(export_step(
        "NormalizeIntensityd", "image",
        {{"nonzero", static_cast<bool>(config.masked.front())}, {"channel_wise", true}}));
    return;
  }
  if (same && hows.front() == Normalisation::zero_one) {
    steps.push_back(export_step("ScaleIntensityd", "image", {{"channel_wise", true}}));
    return;
  }
  if (same && (hows.front() == Normalisation::rgb || hows.size() == 1)) {
    auto const rgb = hows.front() == Normalisation::rgb;
    auto const low = rgb ? 0 : facts.at(0).lower;
    auto const high = rgb ? 255 : facts.at(0).upper;
    auto const mean = rgb ? 0 : facts.at(0).mean;
    auto const by = rgb ? 255 : std::max(facts.at(0).deviation, 1e-8);
    steps.push_back(export_step("ScaleIntensityRanged", "image",
                                {{"a_min", low},
                                 {"a_max", high},
                                 {"b_min", (low - mean) / by},
                                 {"b_max", (high - mean) / by},
                                 {"clip", !rgb}}));
    return;
  }
  std::vector<std::string> parts;
  for (std::size_t c = 0; c < hows.size(); ++c)
    parts.push_back(
        text("(lambda x: ", export_normalised(hows[c], facts.at(c)), ")(x[[", c, "]])"));
  steps.push_back(
      export_step("Lambdad", "image",
                  {{"func", text("$lambda x: torch.cat([", joined(parts, ", "), "])")}}));
}

// Numbers along network axes in MONAI's order i, j, k.
template <class Number>
std::array<Number, 3> export_ijk(SegmentContract const& contract,
                                 std::array<Number, 3> const& network) {
  std::array<Number, 3> out{};
  for (std::size_t n = 0; n < network.size(); ++n)
    out[2 - contract.recipe.forward[n]] = network[n];
  return out;
}

// Whether every case is brought to another spacing: where training cases had the target's,
// resampling moves nothing.
bool export_resamples(SegmentContract const& contract) {
  constexpr double near = 1e-3;
  auto const& spacing = contract.config().spacing;
  auto const first = 3 - spacing.size();
  for (std::size_t n = 0; n < spacing.size(); ++n) {
    auto const axis = contract.recipe.forward[first + n];
    if (std::abs(contract.finest[axis] - spacing[n]) > near ||
        std::abs(contract.coarsest[axis] - spacing[n]) > near)
      return true;
  }
  return false;
}

Json export_before(SegmentContract const& contract) {
  auto steps = Json::array(
      {export_step("LoadImaged", "image"), export_step("EnsureChannelFirstd", "image")});
  steps.push_back(export_step("CropForegroundd", "image",
                              {{"source_key", "image"}, {"select_fn", "$lambda x: x != 0"}}));
  export_normalisation(contract, steps);
  if (export_resamples(contract)) {
    std::array<double, 3> spacing{-1, -1, -1};  // as it is
    auto const& wanted = contract.config().spacing;
    auto const first = 3 - wanted.size();
    for (std::size_t n = 0; n < wanted.size(); ++n) spacing[first + n] = wanted[n];
    steps.push_back(
        export_step("Spacingd", "image",
                    {{"pixdim", export_ijk(contract, spacing)}, {"mode", "bilinear"}}));
  }
  steps.push_back(export_step("EnsureTyped", "image"));
  return steps;
}

// torch.where for each output that is written as another number than its own.
std::string export_written(std::vector<std::uint16_t> const& values, bool regions) {
  std::string out = regions ? "0 * x[[0]]" : "x";
  for (std::size_t n = 0; n < values.size(); ++n) {
    auto const value = text(values[n]);
    out = regions ? text("torch.where(x[[", n, "]] > 0, ", value, ", ", out, ")")
                  : text("torch.where(x == ", n, ", ", value, ", ", out, ")");
  }
  return "$lambda x: " + out;
}

Json export_after(SegmentContract const& contract) {
  auto steps = Json::array();
  auto const& values = contract.rule.values;
  Json const back = export_step("Invertd", "pred",
                                {{"transform", "@preprocessing"},
                                 {"orig_keys", "image"},
                                 {"nearest_interp", false},
                                 {"to_tensor", true}});
  if (contract.rule.regions) {
    steps.push_back(export_step("Activationsd", "pred", {{"sigmoid", true}}));
    steps.push_back(back);
    steps.push_back(export_step("AsDiscreted", "pred", {{"threshold", 0.5}}));
    steps.push_back(export_step("Lambdad", "pred", {{"func", export_written(values, true)}}));
  } else {
    steps.push_back(back);
    steps.push_back(export_step("AsDiscreted", "pred", {{"argmax", true}}));
    auto plain = true;
    for (std::size_t n = 0; n < values.size(); ++n) plain = plain && values[n] == n;
    if (!plain)
      steps.push_back(
          export_step("Lambdad", "pred", {{"func", export_written(values, false)}}));
  }
  for (auto const& labels : contract.cleanup.largest)
    steps.push_back(export_step(
        "KeepLargestConnectedComponentd", "pred",
        {{"applied_labels", labels}, {"is_onehot", false}, {"independent", false}}));
  steps.push_back(export_step("SaveImaged", "pred",
                              {{"output_dir", "@output_dir"},
                               {"output_postfix", ""},
                               {"separate_folder", false},
                               {"resample", false}}));
  return steps;
}

// As learn/recipe takes pictures: one slice of 999 mm.
bool export_pictures(SegmentContract const& contract) {
  constexpr double deep = 999;
  return contract.config().is_2d() && contract.finest[0] == deep &&
         contract.coarsest[0] == deep;
}

Json export_inferer(SegmentContract const& contract) {
  auto const flat = contract.config().is_2d();
  auto const slices = flat && !export_pictures(contract);
  auto const window = export_ijk(contract, contract.patch);
  Json out = {{"_target_", slices ? "SliceInferer" : "SlidingWindowInferer"},
              {"roi_size", Json::array()},
              {"sw_batch_size", 1},
              {"overlap", 1 - contract.step},
              {"mode", "gaussian"}};
  auto const across = 2 - contract.recipe.forward[0];  // the axis that slices lie along
  for (std::size_t axis = 0; axis < window.size(); ++axis) {
    if (!flat || axis != across) out["roi_size"].push_back(window[axis]);
  }
  if (slices) out["spatial_dim"] = across;
  return out;
}

// How MONAI's axes become the network's.
ScriptAround export_around(SegmentContract const& contract) {
  ScriptAround out;
  auto const flat = contract.config().is_2d();
  auto const across = 2 - contract.recipe.forward[0];
  for (std::size_t n = flat ? 1 : 0; n < contract.recipe.forward.size(); ++n) {
    auto axis = static_cast<std::int64_t>(2 - contract.recipe.forward[n]);
    if (flat && axis > static_cast<std::int64_t>(across)) --axis;
    out.order.push_back(axis);
  }
  for (auto const axis : contract.flips) {
    if (!flat || axis > 0) out.flips.push_back(flat ? axis - 1 : axis);
  }
  return out;
}

Json export_metadata(Model const& model, SegmentContract const& contract) {
  auto out = monai_metadata(model.about);
  auto& formats = out["network_data_format"];
  auto& image = formats["inputs"]["image"];
  auto& pred = formats["outputs"]["pred"];
  auto const window = export_inferer(contract).at("roi_size");
  image["num_channels"] = contract.channels.size();
  image["spatial_shape"] = window;
  image["is_patch_data"] = true;
  image["channel_def"] = Json::object();
  for (std::size_t c = 0; c < contract.channels.size(); ++c)
    image["channel_def"][text(c)] = contract.channels[c];
  pred["spatial_shape"] = window;
  pred["is_patch_data"] = true;
  pred["channel_def"] = Json::object();
  if (!contract.rule.regions) pred["channel_def"]["0"] = "background";
  auto const first = contract.rule.regions ? 0U : 1U;
  for (std::size_t n = 0; n < model.about.labels.size(); ++n)
    pred["channel_def"][text(n + first)] = model.about.labels[n].name;
  return out;
}

}  // namespace

BundleParts segment_bundle(Model const& model) {
  if (model.networks.size() != 1)
    throw Error{
        Fault::usage,
        text("expected one network for a bundle, got an ensemble of ", model.networks.size()),
        "export a package, or a run of one fold"};
  if (model.before)
    throw Error{Fault::usage, "a cascade is two networks, a bundle holds one",
                "export a package, or the first stage by itself"};
  auto const contract = segment_contract(model.about);
  Json const config = {
      {"imports", Json::array({"$import glob", "$import os", "$import torch"})},
      {"bundle_root", "."},
      {"dataset_dir", "$@bundle_root + '/images'"},
      {"output_dir", "$@bundle_root + '/masks'"},
      {"device", "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')"},
      {"datalist", "$list(sorted(glob.glob(@dataset_dir + '/*.nii.gz')))"},
      {"network_def",
       "$torch.jit.load(@bundle_root + '/models/model.ts', map_location=@device)"},
      {"network", "$@network_def.to(@device)"},
      {"preprocessing", {{"_target_", "Compose"}, {"transforms", export_before(contract)}}},
      {"dataset",
       {{"_target_", "Dataset"},
        {"data", "$[{'image': i} for i in @datalist]"},
        {"transform", "@preprocessing"}}},
      {"dataloader",
       {{"_target_", "DataLoader"},
        {"dataset", "@dataset"},
        {"batch_size", 1},
        {"shuffle", false},
        {"num_workers", 0}}},
      {"inferer", export_inferer(contract)},
      {"postprocessing", {{"_target_", "Compose"}, {"transforms", export_after(contract)}}},
      {"evaluator",
       {{"_target_", "SupervisedEvaluator"},
        {"device", "@device"},
        {"val_data_loader", "@dataloader"},
        {"network", "@network"},
        {"inferer", "@inferer"},
        {"postprocessing", "@postprocessing"}}},
      {"run", Json::array({"$@evaluator.run()"})},
  };
  return {export_metadata(model, contract), config,
          torchscript_of(model.networks.front(), export_around(contract))};
}

}  // namespace fovea
