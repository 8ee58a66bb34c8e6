#pragma once

#include "learn/foreign/bundle_config.hpp"

#include <map>
#include <optional>
#include <span>

namespace fovea {

/// One step before or behind the network, of those that Fovea knows.
struct BundleStep {
  std::string name;  ///< MONAI's, without the "d" of dictionaries: "Spacing"
  std::map<std::string, BundleValue, std::less<>> options;  ///< that change what it does
};

/// A row of the steps that are known: MONAI's class, and the arguments that are. A step with
/// another argument is refused by that name, as leaving it out would change the result.
struct BundleStepRow {
  std::string_view name;
  std::string_view does;
  std::string_view options;  ///< names with blanks between
  /// Arguments that change nothing here: where tensors lie, what is kept beside them.
  std::string_view ignored;
};
std::span<BundleStepRow const> bundle_steps();

/// How a network goes over an image.
struct BundleInferer {
  enum class Kind { simple, sliding, slices };
  Kind kind = Kind::simple;
  std::vector<std::int64_t> window;  ///< MONAI's order, i, j, k; empty for simple
  double overlap = 0.25;             ///< of windows
  bool gaussian = false;             ///< else all of a window weighs the same
  std::string padding = "constant";
  std::int64_t axis = 0;  ///< of slices, in MONAI's order
};

/// What a bundle's inference config says is to be done to an image.
struct BundlePlan {
  std::string network;  ///< MONAI's class: "UNet", "monai.networks.nets.DiNTS"
  std::map<std::string, BundleValue, std::less<>> network_options;
  std::vector<BundleStep> before;
  BundleInferer inferer;
  std::vector<BundleStep> after;
  /// What the network's own arguments ask for and Fovea does not have: of no importance where
  /// the network comes as TorchScript.
  std::vector<std::string> network_missing;
  std::string weights;  ///< file of the state dict, in the bundle: "models/model.pt"
  std::string script;   ///< file that the config loads as TorchScript; else empty
  /// What the config asks for and Fovea does not have, a sentence each. Not empty: what is
  /// above is not all, and the bundle is not run.
  std::vector<std::string> missing;
};

/// Reads "evaluator" and what it leads to: network, inferer, data loader, preprocessing,
/// postprocessing, checkpoint loader. Never throws for what is merely unknown: that is named in
/// `missing`.
BundlePlan plan_of(BundleConfig const& config);

/// A bundle's folder: configs/metadata.json and configs/inference.json or .yaml.
struct Bundle {
  fs::path folder;
  Json metadata;
  BundleConfig config;
};
/// Throws Error{input} if there is no such config or it is broken.
Bundle read_bundle(fs::path const& folder);

}  // namespace fovea
