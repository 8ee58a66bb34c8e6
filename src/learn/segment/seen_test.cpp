#include "learn/segment/seen.hpp"

#include "learn/segment/model.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace fovea {
namespace {

using enum Normalisation;

// Half of it air or what stands for it, half of it tissue, both with some noise.
Volume seen_image(double air, double tissue, double noise = 20) {
  Volume out{upright({20, 20, 10}, {}), Type::f32};
  auto const values = out.write<float>();
  for (std::size_t n = 0; n < values.size(); ++n)
    values[n] = static_cast<float>((n < values.size() / 2 ? air : tissue) +
                                   noise * (static_cast<double>(n * 7 % 11) / 10 - 0.5));
  return out;
}

SegmentContract seen_contract(std::vector<Volume> const& training, Normalisation how) {
  SegmentContract out;
  out.channels = {how == ct ? "CT" : "T1w"};
  RecipeConfig config;
  config.normalisation = {how};
  out.recipe.configs = {config};
  out.finest = {1, 1, 1};
  out.coarsest = {1, 1, 1};
  out.seen.resize(1);
  for (std::size_t n = 0; n < training.size(); ++n)
    out.seen[0].add(seen_values(training[n], 0, how), n == 0);
  return out;
}

TEST(Seen, AnImageOfOtherIntensitiesThanTheTrainingImagesHasAReason) {
  auto const heads = std::vector{seen_image(-1000, 60), seen_image(-1020, 300)};
  auto const soft = std::vector{seen_image(-100, 60), seen_image(-60, 150)};
  auto const nan = std::numeric_limits<double>::quiet_NaN();
  struct Row {
    char const* name;
    std::vector<Volume> const& training;
    Normalisation how;
    Volume image;
    char const* reason;  // "": none
  } const rows[] = {
      {"the same", heads, ct, seen_image(-1000, 100), ""},
      {"a scanner's padding", heads, ct, seen_image(-3024, 100), ""},
      {"contrast medium", heads, ct, seen_image(-1000, 700), ""},
      {"an MR", heads, ct, seen_image(0, 600), "no CT like them"},
      {"an MR of 16 bits", soft, ct, seen_image(0, 4000), "no CT like them"},
      {"scaled to 0 ... 1", soft, ct, seen_image(0, 1, 0.01), "no CT like them"},
      {"before its rescale slope", heads, ct, seen_image(24, 1100), "Hounsfield"},
      {"more of the body than the training images show", soft, ct, seen_image(-1000, 100), ""},
      {"an MR of any scale", heads, z_score, seen_image(0, 60000), ""},
      {"one value", heads, z_score, seen_image(7, 7, 0), "are the same"},
      {"no number at all", heads, z_score, seen_image(nan, nan), "are the same"},
      {"one value of a CT", heads, ct, seen_image(-1000, -1000, 0), "are the same"},
      {"another range, taken as it is", soft, none, seen_image(-1000, 100), "go from"},
  };
  for (auto const& row : rows) {
    SCOPED_TRACE(row.name);
    auto const reasons = outside_contract(seen_contract(row.training, row.how), row.image);
    ASSERT_EQ(reasons.size(), *row.reason == 0 ? 0U : 1U);
    if (reasons.empty()) continue;
    EXPECT_NE(reasons[0].find(row.reason), std::string::npos) << reasons[0];
  }
}

TEST(Seen, WhatTrainingHadIsNotRefusedLater) {
  auto const flat = seen_image(0, 0, 0);
  EXPECT_TRUE(outside_contract(seen_contract({flat, seen_image(0, 9)}, z_score), flat).empty());
}

TEST(Seen, GoesIntoAModelAndBack) {
  auto const contract = seen_contract({seen_image(-1000, 60), seen_image(0, 600)}, ct);
  auto const back = read_seen(Json::parse(seen_json(contract.seen).dump()), 1);
  ASSERT_EQ(back.size(), 1U);
  EXPECT_EQ(back[0].low, contract.seen[0].low);
  EXPECT_EQ(back[0].high, contract.seen[0].high);
  EXPECT_EQ(back[0].contrast, contract.seen[0].contrast);
  EXPECT_FALSE(back[0].flat);
  EXPECT_TRUE(read_seen(Json{}, 1).empty());
  for (auto const* const damaged :
       {"3", "[1]", "[{}]",
        "[{\"low\":[1,0],\"high\":[0,1],\"contrast\":[0,1],\"flat\":false}]",
        "[{\"low\":[0,1],\"high\":[0],\"contrast\":[0,1],\"flat\":true}]"}) {
    SCOPED_TRACE(damaged);
    EXPECT_THROW(read_seen(Json::parse(damaged), 1), Error);
  }
  EXPECT_THROW(read_seen(seen_json(contract.seen), 2), Error);
}

TEST(Seen, ASeriesOfAnotherModalityIsRefused) {
  SegmentContract contract;
  contract.channels = {"CT"};
  for (auto const* const fine : {"CT", "", "OT", "SC"})
    EXPECT_NO_THROW(demand_modality(contract, fine));
  for (auto const* const other : {"MR", "PT", "US"})
    EXPECT_THROW(demand_modality(contract, other), Error);
  contract.channels = {"FLAIR", "T1w"};
  EXPECT_NO_THROW(demand_modality(contract, "MR"));
  EXPECT_THROW(demand_modality(contract, "CT"), Error);
  contract.channels = {"channel 1"};
  EXPECT_NO_THROW(demand_modality(contract, "CT"));
}

}  // namespace
}  // namespace fovea
