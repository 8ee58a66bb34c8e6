#pragma once

#include "learn/recipe/recipe.hpp"

#include <string>
#include <string_view>

namespace fovea {

// The words of nnU-Net's plans.json that are known here.

struct NormalisationRow {
  Normalisation is;
  std::string_view name;     ///< the class that does it
  std::string_view channel;  ///< the channel's name that asks for it, in small letters
};
inline constexpr NormalisationRow recipe_normalisations[] = {
    {Normalisation::ct, "CTNormalization", "ct"},
    {Normalisation::z_score, "ZScoreNormalization", "zscore"},
    {Normalisation::none, "NoNormalization", "nonorm"},
    {Normalisation::zero_one, "RescaleTo01Normalization", "rescale_to_0_1"},
    {Normalisation::rgb, "RGBTo01Normalization", "rgb_to_0_1"},
};

inline constexpr std::string_view recipe_resampling = "resample_data_or_seg_to_shape";
inline constexpr std::string_view recipe_preprocessor = "DefaultPreprocessor";
inline constexpr std::string_view recipe_label_manager = "LabelManager";
inline constexpr std::string_view recipe_plain_class = "PlainConvUNet";
inline constexpr std::string_view recipe_residual_class = "ResidualEncoderUNet";
inline std::string const recipe_conv = "torch.nn.modules.conv.Conv";
inline std::string const recipe_norm = "torch.nn.modules.instancenorm.InstanceNorm";

}  // namespace fovea
