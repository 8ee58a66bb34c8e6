#include "learn/recipe/recipe.hpp"

#include "base/core/error.hpp"
#include "learn/recipe/planner.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace fovea {
namespace {

Json recipe_test_plans(std::string_view name, std::string const& preset = "plain") {
  static auto const sets = read_json(FOVEA_SOURCE_DIR "/src/learn/recipe/made/plans.json");
  for (auto const& set : sets) {
    if (set["dataset"].get<std::string>().ends_with(name)) return set["plans"][preset];
  }
  throw Error{Fault::bug, "no such set", "name one that there is"};
}

std::string recipe_test_refusal(Json const& plans) {
  try {
    read_recipe(plans, "plans.json");
  } catch (Error const& error) {
    EXPECT_EQ(error.fault(), Fault::input);
    return error.what();
  }
  return "took it";
}

TEST(Recipe, ReadsACascadeAsAConfigOfItsOwn) {
  auto const recipe = read_recipe(recipe_test_plans("whole_body"), "plans.json");
  auto const& full = recipe.config("3d_fullres");
  auto const& cascade = recipe.config("3d_cascade_fullres");
  EXPECT_EQ(cascade.previous, "3d_lowres");
  EXPECT_EQ(recipe.config("3d_lowres").next, "3d_cascade_fullres");
  EXPECT_EQ(cascade.patch, full.patch);
  EXPECT_EQ(cascade.network, full.network);
  EXPECT_TRUE(recipe.config("2d").is_2d());
  try {
    recipe.config("3d_fulres");
    FAIL() << "took it";
  } catch (Error const& error) {
    EXPECT_NE(std::string_view{error.what()}.find("3d_cascade_fullres"),
              std::string_view::npos);
  }
}

TEST(Recipe, RefusesByNameWhatIsNotDoneHere) {
  struct Row {
    std::string_view says;
    std::function<void(Json& plans, Json& config)> change;
  };
  auto const words = [](std::string key, std::string value) {
    return [key, value](Json&, Json& config) { config[key] = value; };
  };
  auto const keyword = [](std::string key, Json value) {
    return [key, value](Json&, Json& config) {
      config["architecture"]["arch_kwargs"][key] = value;
    };
  };
  Row const rows[] = {
      {"resample_torch_fornnunet", words("resampling_fn_data", "resample_torch_fornnunet")},
      {"no_resampling_hack", words("resampling_fn_seg", "no_resampling_hack")},
      {"mine", words("preprocessor_name", "mine")},
      {"MyNormalization",
       [](Json&, Json& config) { config["normalization_schemes"][0] = "MyNormalization"; }},
      {"network_class_name",
       [](Json&, Json& config) { config["architecture"]["network_class_name"] = "a.Mamba"; }},
      {"torch.nn.Dropout", keyword("dropout_op", "torch.nn.Dropout")},
      {"torch.nn.ReLU", keyword("nonlin", "torch.nn.ReLU")},
      {"BatchNorm", keyword("norm_op", "torch.nn.modules.batchnorm.BatchNorm3d")},
      {"no 'squeeze'", keyword("squeeze", 1)},
      {"Conv3d", keyword("conv_op", "torch.nn.modules.conv.Conv2d")},
      {"arch_kwargs.strides: expected an array of 6", keyword("strides", Json::array())},
      {"features_per_stage[0]: expected a number",
       keyword("features_per_stage", Json{"a", 1, 1, 1, 1, 1})},
      {"n_stages: expected a number from 1 to 16, got 99", keyword("n_stages", 99)},
      {"order: expected order 0, 1 or 3, got 5",
       [](Json&, Json& config) { config["resampling_fn_data_kwargs"]["order"] = 5; }},
      {"order: expected order 0 or 1, got 3",
       [](Json&, Json& config) { config["resampling_fn_seg_kwargs"]["order"] = 3; }},
      {"batch_size: expected a whole number",
       [](Json&, Json& config) { config["batch_size"] = 2.5; }},
      {"is no multiple of", [](Json&, Json& config) { config["patch_size"][0] = 77; }},
      {"spacing[1]: expected a number from 1e-06",
       [](Json&, Json& config) { config["spacing"][1] = 0; }},
      {"use_mask_for_norm: expected an array of 1",
       [](Json&, Json& config) { config["use_mask_for_norm"] = Json::array(); }},
      {"expected an object with 'patch_size'",
       [](Json&, Json& config) { config.erase("patch_size"); }},
      {"transpose_forward: expected 0, 1 and 2 once each",
       [](Json& plans, Json&) {
         plans["transpose_forward"] = {0, 0, 1};
       }},
      {"the inverse of transpose_forward",
       [](Json& plans, Json&) {
         plans["transpose_forward"] = {1, 2, 0};
       }},
      {"do not inherit in a circle",
       [](Json& plans, Json& config) {
         config["inherits_from"] = "2d";
         plans["configurations"]["2d"]["inherits_from"] = "3d_fullres";
       }},
      {"'elsewhere'", [](Json&, Json& config) { config["previous_stage"] = "elsewhere"; }},
      {"as many normalisations as there are channels",
       [](Json& plans, Json&) {
         auto& by = plans["foreground_intensity_properties_per_channel"];
         by["1"] = by["0"];
       }},
      {"expected an object with '0'",
       [](Json& plans, Json&) {
         plans["foreground_intensity_properties_per_channel"] = {{"CT", 1}};
       }},
  };
  for (auto const& row : rows) {
    auto plans = recipe_test_plans("isotropic");
    row.change(plans, plans["configurations"]["3d_fullres"]);
    auto const said = recipe_test_refusal(plans);
    EXPECT_NE(said.find(row.says), std::string::npos) << row.says << "\n" << said;
  }
  EXPECT_NE(recipe_test_refusal(Json::array()).find("expected an object"), std::string::npos);
}

TEST(Recipe, ReadsNetworksAsOlderPlansSayThem) {
  auto plans = recipe_test_plans("isotropic");
  auto const wanted = read_recipe(plans, "plans.json");
  for (auto& [name, config] : plans["configurations"].items()) {
    auto const keywords = config["architecture"]["arch_kwargs"];
    config.erase("architecture");
    config["UNet_class_name"] = "PlainConvUNet";
    config["UNet_base_num_features"] = 32;
    config["unet_max_num_features"] = name == "2d" ? 512 : 320;
    config["n_conv_per_stage_encoder"] = keywords["n_conv_per_stage"];
    config["n_conv_per_stage_decoder"] = keywords["n_conv_per_stage_decoder"];
    config["conv_kernel_sizes"] = keywords["kernel_sizes"];
    config["pool_op_kernel_sizes"] = keywords["strides"];
  }
  auto const got = read_recipe(plans, "plans.json");
  for (auto const& config : wanted.configs)
    EXPECT_EQ(got.config(config.name), config) << config.name;
}

TEST(Recipe, RefusesAFingerprintThatCannotBeOne) {
  auto const good = fingerprint_json(
      {.spacings = {{1, 1, 2}}, .shapes = {{3, 4, 5}}, .size_ratio = 1, .intensities = {{}}});
  EXPECT_EQ(fingerprint_json(read_fingerprint(good, "f")), good);
  std::pair<std::string_view, std::function<void(Json&)>> const rows[] = {
      {"spacings[0][2]", [](Json& json) { json["spacings"][0][2] = -1; }},
      {"shapes_after_crop: expected an array of 1",
       [](Json& json) { json["shapes_after_crop"] = Json::array(); }},
      {"shapes_after_crop[0][0]: expected a whole number",
       [](Json& json) { json["shapes_after_crop"][0][0] = 1.5; }},
      {"spacings: expected an array of 1 to", [](Json& json) { json["spacings"] = 3; }},
      {"median_relative_size_after_cropping: expected a number from 0 to 1, got 3",
       [](Json& json) { json["median_relative_size_after_cropping"] = 3; }},
      {"percentile_00_5 at or below percentile_99_5",
       [](Json& json) {
         json["foreground_intensity_properties_per_channel"]["0"]["percentile_00_5"] = 7;
       }},
  };
  for (auto const& [says, change] : rows) {
    auto json = good;
    change(json);
    try {
      read_fingerprint(json, "f");
      ADD_FAILURE() << "took it: " << says;
    } catch (Error const& error) {
      EXPECT_NE(std::string_view{error.what()}.find(says), std::string_view::npos)
          << error.what();
    }
  }
}

}  // namespace
}  // namespace fovea
