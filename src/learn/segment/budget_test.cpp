#include "learn/segment/budget.hpp"

#include "learn/segment/segment.hpp"

#include <gtest/gtest.h>

namespace fovea {
namespace {

// What nnU-Net plans for 40 x 56 x 40 voxels, or for pictures of 640 pixels.
Plan budget_plan(bool flat, std::string_view time) {
  Plan plan{segment_keys()};
  Recipe recipe;
  recipe.intensities.resize(1);
  RecipeConfig config;
  config.name = flat ? "2d" : "3d_fullres";
  config.batch = flat ? 2 : 5;
  config.patch =
      flat ? std::vector<std::int64_t>{640, 640} : std::vector<std::int64_t>{40, 56, 40};
  config.spacing.assign(config.patch.size(), 1);
  config.normalisation = {Normalisation::z_score};
  config.masked = {false};
  auto& net = config.network;
  net.features = flat ? std::vector<std::int64_t>{32, 64, 128, 256, 512, 512, 512, 512}
                      : std::vector<std::int64_t>{32, 64, 128, 256};
  net.kernels.assign(net.features.size(), std::vector<std::int64_t>(config.patch.size(), 3));
  net.strides.assign(net.features.size(), std::vector<std::int64_t>(config.patch.size(), 2));
  std::ranges::fill(net.strides.front(), 1);
  net.encoder.assign(net.features.size(), 2);
  net.decoder.assign(net.features.size() - 1, 2);
  plan.set("network", "nnunet");
  plan.ask("time", time, "asked for");
  write_config(recipe, config, plan, "nnU-Net's rules");
  return plan;
}

SegmentTargets budget_targets() {
  SegmentTargets out;
  out.names = {"organ"};
  out.inside = {{1}};
  out.written = {1};
  out.values = {{1}};
  return out;
}

TEST(SegmentBudget, withoutATimeOrWithAllOfItThePlanIsNnUNets) {
  for (auto const time : {"0", "400h"}) {
    auto plan = budget_plan(false, time);
    auto const before = plan.yaml();
    plan_budget(budget_targets(), 5, plan);
    EXPECT_EQ(plan.yaml(), before) << time;
  }
  for (auto const key : {"steps", "epochs"}) {
    auto plan = budget_plan(false, "5s");
    plan.ask(key, "7", "asked for");
    auto const before = plan.yaml();
    plan_budget(budget_targets(), 5, plan);
    EXPECT_EQ(plan.yaml(), before) << key;
  }
}

TEST(SegmentBudget, inAShortTimeStepsBecomeCheapAndEachKeySaysWhy) {
  auto plan = budget_plan(false, "5s");
  plan_budget(budget_targets(), 5, plan);
  EXPECT_EQ(plan.word("features"), "[16, 32, 64, 128]");
  EXPECT_EQ(plan.word("blocks"), "[1, 2, 2, 2]");
  EXPECT_EQ(plan.word("decoder_blocks"), "[1, 1, 1]");
  EXPECT_EQ(plan.whole("batch_size"), 2);
  EXPECT_EQ(plan.word("patch"), "[40, 56, 40]") << "it is small already";
  for (auto const key : {"features", "blocks", "decoder_blocks", "batch_size"})
    EXPECT_NE(plan.reason(key).find("updates"), std::string::npos) << key;
  EXPECT_EQ(plan.reason("patch"), "nnU-Net's rules");
}

TEST(SegmentBudget, patchesGetSmallerWhereStructuresAreThinAndTheNetworkStillFits) {
  auto plan = budget_plan(true, "5s");
  plan_budget(budget_targets(), 4, plan);
  EXPECT_EQ(plan.word("patch"), "[128, 128]");
  EXPECT_EQ(plan.list("features").size(), 6U) << "five halvings of 128 leave 4";
  EXPECT_EQ(plan.list("decoder_blocks").size(), 5U);
  EXPECT_NO_THROW(setup_of(plan, 2));
  auto thick = budget_plan(true, "5s");
  plan_budget(budget_targets(), 60, thick);
  EXPECT_EQ(thick.word("patch"), "[640, 640]");
  EXPECT_EQ(thick.list("features").size(), 8U);
}

TEST(SegmentBudget, whatAPersonSetStays) {
  struct Row {
    std::string_view key, value;
  };
  for (auto const& [key, value] : {Row{"features", "[32, 64, 128, 256, 512, 512, 512, 512]"},
                                   Row{"patch", "[640, 640]"}, Row{"batch_size", "7"}}) {
    auto plan = budget_plan(true, "5s");
    plan.ask(key, value, "asked for");
    plan_budget(budget_targets(), 4, plan);
    EXPECT_EQ(plan.word(key), value);
    if (key != "features") {
      EXPECT_EQ(plan.list("features").front(), "16") << key;
    }
    EXPECT_NO_THROW(setup_of(plan, 2));
  }
}

}  // namespace
}  // namespace fovea
