#include "learn/segment/plan_fit.hpp"

#include "learn/plan/reasons.hpp"
#include "learn/segment/segment.hpp"
#include "learn/segment/setup.hpp"

#include <gtest/gtest.h>

namespace fovea {
namespace {

RecipeConfig fit_config(Normalisation normalisation = Normalisation::z_score) {
  RecipeConfig config;
  config.name = "3d_fullres";
  config.batch = 9;
  config.patch = {40, 56, 40};
  config.spacing = {1, 1, 1};
  config.normalisation = {normalisation};
  config.masked = {false};
  config.network.features = {32, 64};
  config.network.kernels = {{3, 3, 3}, {3, 3, 3}};
  config.network.strides = {{1, 1, 1}, {2, 2, 2}};
  config.network.encoder = {2, 2};
  config.network.decoder = {2};
  return config;
}

Recipe fit_recipe() {
  Recipe recipe;
  recipe.intensities = {{.mean = 40, .deviation = 10, .lower = -100, .upper = 200}};
  return recipe;
}

Plan fit_plan(std::string_view network, RecipeConfig const& config = fit_config()) {
  Plan plan{segment_keys()};
  plan.set("network", network);
  write_config(fit_recipe(), config, plan, "as planned");
  return plan;
}

}  // namespace

TEST(PlanFit, RoundsThePatchUpToWhatTheNetworkHalves) {
  auto plan = fit_plan("swin-unetr");
  plan_fit_patch(3, plan);
  EXPECT_EQ(plan.word("patch"), "[64, 64, 64]");
  EXPECT_NE(plan.reason("patch").find("swin-unetr takes multiples of 32"), std::string::npos)
      << plan.reason("patch");
  EXPECT_NO_THROW(setup_of(plan, 3));
  auto fits = fit_plan("nnunet");
  plan_fit_patch(3, fits);
  EXPECT_EQ(fits.reason("patch"), "as planned");
}

TEST(PlanFit, LeavesAPatchThatWasAskedForToBeRefused) {
  auto plan = fit_plan("swin-unetr");
  plan.ask("patch", "[40, 56, 40]", "--set");
  plan_fit_patch(3, plan);
  EXPECT_EQ(plan.word("patch"), "[40, 56, 40]");
  EXPECT_THROW(setup_of(plan, 3), Error);
}

TEST(PlanFit, KnowsNetworksThatSeePicturesOnly) {
  EXPECT_TRUE(plan_is_flat(fit_plan("pspnet")));
  EXPECT_FALSE(plan_is_flat(fit_plan("swin-unetr")));
}

TEST(PlanDifferences, AreNamedWithNnunetsOwnValueAndOnlyOnce) {
  auto plan = fit_plan("nnunet");
  plan.set("features", std::string_view{"[16, 32]"}, "more would take too long");
  plan_tell_differences(fit_recipe(), fit_config(), plan);
  EXPECT_EQ(plan.reason("features"), "unlike nnU-Net's [32, 64]: more would take too long");
  EXPECT_TRUE(plan.reason("optimiser").starts_with("unlike nnU-Net's sgd: "));
  EXPECT_TRUE(plan.reason("time").starts_with(reason_unlike));
  EXPECT_EQ(plan.reason("patch"), "as planned");
  EXPECT_TRUE(plan.reason("intensity_mean").starts_with(reason_not_used));
  auto const once = plan.yaml();
  plan_tell_differences(fit_recipe(), fit_config(), plan);
  EXPECT_EQ(plan.yaml(), once);
}

TEST(PlanDifferences, SayThatIntensitiesAreUsedForCt) {
  auto const config = fit_config(Normalisation::ct);
  auto plan = fit_plan("nnunet", config);
  plan_tell_differences(fit_recipe(), config, plan);
  EXPECT_EQ(plan.reason("intensity_mean"), "as planned");
}

TEST(PlanReasons, AreThoseOfTheRecipeInWords) {
  auto plan = fit_plan("nnunet");
  plan.ask("batch_size", "3", "--set");
  plan_reasons({{"axes", "", "as they are"},
                {"channel 0 (CT)", "", "held"},
                {"channel 1 (PET)", "", "each"},
                {"2d.patch", "", "of slices"},
                {"3d_fullres.patch", "", "of volumes"},
                {"3d_fullres.batch", "", "of memory"}},
               fit_config(), plan);
  EXPECT_EQ(plan.reason("axes"), "as they are");
  EXPECT_EQ(plan.reason("patch"), "of volumes");
  EXPECT_EQ(plan.reason("normalisation"), "channel 0 (CT): held; channel 1 (PET): each");
  EXPECT_EQ(plan.reason("strides"), "as planned");
  EXPECT_EQ(plan.reason("batch_size"), "--set");
}

}  // namespace fovea
