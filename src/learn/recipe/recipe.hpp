#pragma once

#include "base/core/json.hpp"
#include "learn/recipe/fingerprint.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fovea {

/// What is done to the values of a channel.
enum class Normalisation {
  ct,        ///< held in the data set's percentiles, minus its mean, over its deviation
  z_score,   ///< minus the image's mean, over its deviation
  none,      ///< as they are
  zero_one,  ///< from 0 at the image's least value to 1 at its largest
  rgb        ///< over 255
};
/// nnU-Net's class, as "CTNormalization".
std::string_view name_of(Normalisation normalisation);
/// As nnU-Net chooses by a channel's name: "CT", "noNorm", "zscore", "rescale_to_0_1",
/// "rgb_to_0_1" in any case of letters; every other name is z-scored.
Normalisation normalisation_of_channel(std::string_view channel);

/// How arrays are brought to another spacing: a spline of `order` (0 nearest, 1, 3) along each
/// axis; where one axis is far coarser than the others it is done apart, by `order_z`.
struct ResamplingRule {
  int order = 3;
  int order_z = 0;
  std::optional<bool> separate_z;  ///< none: if spacings differ by more than three times
  bool operator==(ResamplingRule const&) const = default;
};

enum class SegmentationNetwork { plain, residual };

/// A U-Net in nnU-Net's words. Of each stage from the finest to the coarsest; axes k, j, i or
/// j, i.
struct RecipeNetwork {
  SegmentationNetwork kind = SegmentationNetwork::plain;
  std::vector<std::int64_t> features;
  std::vector<std::vector<std::int64_t>> kernels;
  std::vector<std::vector<std::int64_t>> strides;
  std::vector<std::int64_t> encoder;  ///< convolutions (plain) or residual blocks of a stage
  std::vector<std::int64_t> decoder;  ///< convolutions; one stage fewer
  bool bias = true;                   ///< of convolutions
  double norm_eps = 1e-5;             ///< of instance norm, which has weights and biases
  std::size_t stages() const { return features.size(); }
  bool operator==(RecipeNetwork const&) const = default;
};

/// One way to see the data: the patch, at its spacing, and the network for it. Axes are those
/// after transposing: k, j, i, or j, i for "2d", which takes slices along k.
struct RecipeConfig {
  std::string name;  ///< "2d", "3d_fullres", "3d_lowres", "3d_cascade_fullres" or a person's
  std::string identifier;  ///< of stored data made with it
  std::int64_t batch = 2;
  std::vector<std::int64_t> patch;
  std::vector<double> median_shape;          ///< at the spacing; may end in .5
  std::vector<double> spacing;               ///< mm
  std::vector<Normalisation> normalisation;  ///< by channel
  std::vector<bool> masked;                  ///< by channel: inside what is not zero only
  ResamplingRule image{3, 0, {}}, labels{1, 0, {}}, logits{1, 0, {}};
  RecipeNetwork network;
  bool batch_dice = false;
  std::string previous;  ///< the config whose prediction it takes as further channels, or none
  std::string next;      ///< the config that goes on from it, or none

  bool is_2d() const { return patch.size() == 2; }
  bool operator==(RecipeConfig const&) const = default;
};

/// A whole plan: nnU-Net's plans.json.
struct Recipe {
  std::string dataset, name = "nnUNetPlans", planner = "ExperimentPlanner";
  std::string reader = "SimpleITKIO";
  Spacing3 median_spacing{};                    ///< before resampling, transposed
  Shape3 median_shape{};                        ///< the same
  std::array<std::size_t, 3> forward{0, 1, 2};  ///< transposed axis n is the array's forward[n]
  std::array<std::size_t, 3> backward{0, 1, 2};  ///< its inverse
  std::vector<RecipeConfig> configs;             ///< 2d first, as nnU-Net writes them
  std::vector<IntensityStatistics> intensities;  ///< by channel

  /// Throws Error{usage} with the names that there are.
  RecipeConfig const& config(std::string_view name) const;
};

/// nnU-Net's plans.json, configs in full (where nnU-Net writes "inherits_from" for the cascade,
/// so does this).
Json recipe_json(Recipe const& recipe);

/// Reads what `recipe_json` or nnU-Net 2 wrote. Only what can be done here is taken: another
/// network class, norm, nonlinearity, dropout, normalisation or resampling function, an order
/// other than 0, 1 or 3 are refused by name, as are numbers out of bounds, arrays whose lengths
/// do not match and configs that inherit in a circle.
/// Throws Error{input} naming `what` and the key.
Recipe read_recipe(Json const& json, std::string_view what);

/// A row for people: what, its value, why.
struct RecipeRow {
  std::string key, value, reason;
};

}  // namespace fovea
