#include "learn/recipe/planner.hpp"

#include "base/core/error.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

namespace fovea {
namespace {

namespace fs = std::filesystem;

// Where two files differ, whatever the order of their keys; numbers must be the same bits.
void planner_test_differences(Json const& got,
                              Json const& wanted,
                              std::string const& path,
                              std::vector<std::string>& out) {
  if (got.is_object() && wanted.is_object()) {
    for (auto const& [key, value] : wanted.items()) {
      if (!got.contains(key))
        out.push_back(path + "." + key + " is missing");
      else
        planner_test_differences(got[key], value, path + "." + key, out);
    }
    for (auto const& [key, value] : got.items()) {
      if (!wanted.contains(key)) out.push_back(path + "." + key + " is too much");
    }
  } else if (got.is_array() && wanted.is_array() && got.size() == wanted.size()) {
    for (std::size_t n = 0; n < got.size(); ++n)
      planner_test_differences(got[n], wanted[n], text(path, "[", n, "]"), out);
  } else if (got != wanted) {
    out.push_back(text(path, ": got ", got.dump(), ", wanted ", wanted.dump()));
  }
}

std::string planner_test_differences(Json const& got, Json const& wanted) {
  std::vector<std::string> all;
  planner_test_differences(got, wanted, "", all);
  std::string out;
  for (std::size_t n = 0; n < std::min<std::size_t>(all.size(), 10); ++n) out += all[n] + "\n";
  return out;
}

Json const& planner_test_sets() {
  static auto const sets = read_json(FOVEA_SOURCE_DIR "/src/learn/recipe/made/plans.json");
  return sets;
}

RecipeDataset planner_test_dataset(Json const& set) {
  return {.name = set["dataset"],
          .channels = set["channels"],
          .labels = set["labels"],
          .cases = set["training"]};
}

fs::path planner_test_peers() {
  auto const* const data = std::getenv("FOVEA_DATA");
  auto const shared =
      data != nullptr ? fs::path{data} : fs::path{FOVEA_SOURCE_DIR} / "../shared/data";
  return shared / "../peers/nnunet-reference";
}

TEST(Planner, PlansWhatNnUNetsOwnPlannersPlan) {
  std::size_t plans = 0;
  for (auto const& set : planner_test_sets()) {
    auto const fingerprint = read_fingerprint(set["fingerprint"], "fingerprint");
    for (auto const& [preset, wanted] : set["plans"].items()) {
      SCOPED_TRACE(set["dataset"].get<std::string>() + " " + preset);
      auto const recipe = plan_recipe(fingerprint, planner_test_dataset(set),
                                      {.preset = recipe_preset(preset)});
      EXPECT_EQ(planner_test_differences(recipe_json(recipe), wanted), "");
      ++plans;
    }
  }
  EXPECT_GE(plans, 30U);
}

TEST(Planner, PlansTheTrainedSetsAsNnUNetDid) {
  auto const root = planner_test_peers();
  if (!fs::is_directory(root)) GTEST_SKIP() << "no nnU-Net folders beside the data";
  std::size_t sets = 0;
  for (auto const& entry : fs::directory_iterator{root}) {
    auto const model = entry.path() / "model";
    if (!fs::is_directory(model)) continue;
    SCOPED_TRACE(entry.path().filename().string());
    auto const planned = entry.path() / "planned.json";
    auto const wanted =
        read_json(fs::exists(planned) ? planned : fs::path{model / "plans.json"});
    auto const dataset = read_json(model / "dataset.json");
    RecipeDataset about{.name = wanted["dataset_name"]};
    for (auto const& [key, name] : dataset["channel_names"].items())
      about.channels.push_back(name);
    about.labels = static_cast<std::int64_t>(dataset["labels"].size());
    about.cases = dataset["numTraining"];
    auto const recipe = plan_recipe(
        read_fingerprint(read_json(model / "dataset_fingerprint.json"), "fingerprint"), about);
    EXPECT_EQ(planner_test_differences(recipe_json(recipe), wanted), "");
    ++sets;
  }
  EXPECT_GE(sets, 3U);
}

TEST(Planner, ReadsBackWhatItAndNnUNetWrite) {
  for (auto const& set : planner_test_sets()) {
    for (auto const& [preset, wanted] : set["plans"].items()) {
      SCOPED_TRACE(set["dataset"].get<std::string>() + " " + preset);
      auto const recipe = read_recipe(wanted, "plans.json");
      EXPECT_EQ(planner_test_differences(recipe_json(recipe), wanted), "");
    }
    auto const fingerprint = read_fingerprint(set["fingerprint"], "fingerprint");
    EXPECT_EQ(planner_test_differences(fingerprint_json(fingerprint), set["fingerprint"]), "");
  }
}

TEST(Planner, TakesMoreMemoryWhereThereIsMore) {
  auto const& set = planner_test_sets()[0];
  auto const fingerprint = read_fingerprint(set["fingerprint"], "fingerprint");
  auto const about = planner_test_dataset(set);
  auto const voxels = [&](double gb) {
    auto const recipe = plan_recipe(fingerprint, about, {.memory_gb = gb});
    auto const& config = recipe.config("3d_fullres");
    return config.patch[0] * config.patch[1] * config.patch[2] * config.batch;
  };
  EXPECT_LT(voxels(8), voxels(24));
}

TEST(Planner, RefusesWhatCannotBePlanned) {
  auto const& set = planner_test_sets()[0];
  auto const fingerprint = read_fingerprint(set["fingerprint"], "fingerprint");
  auto about = planner_test_dataset(set);
  EXPECT_THROW(plan_recipe({}, about), Error);
  EXPECT_THROW(plan_recipe(fingerprint, about, {.memory_gb = 0.1}), Error);
  about.labels = 1'000'000'000;  // no patch is small enough
  EXPECT_THROW(plan_recipe(fingerprint, about), Error);
  about.channels.push_back("one more");
  EXPECT_THROW(plan_recipe(fingerprint, about), Error);
  EXPECT_THROW(recipe_preset("resenc"), Error);
}

TEST(Planner, ChoosesTheNormalisationByTheChannelsName) {
  struct Row {
    std::string_view channel;
    Normalisation is;
  };
  for (auto const& row :
       {Row{"CT", Normalisation::ct}, Row{"ct", Normalisation::ct},
        Row{"noNorm", Normalisation::none}, Row{"MRI", Normalisation::z_score},
        Row{"ZSCORE", Normalisation::z_score}, Row{"rescale_to_0_1", Normalisation::zero_one},
        Row{"RGB_to_0_1", Normalisation::rgb}, Row{"R", Normalisation::z_score}})
    EXPECT_EQ(normalisation_of_channel(row.channel), row.is) << row.channel;
}

TEST(Planner, GivesTheReasonsInWords) {
  struct Row {
    std::string_view set, key, value, reason;
  };
  constexpr Row wanted[] = {
      {"isotropic", "axes", "0, 1, 2", "as they are"},
      {"isotropic", "3d_fullres.patch", "128 x 128 x 128", "8 GB hold"},
      {"isotropic", "3d_lowres", "none", "below 25 %"},
      {"even_count_of_cubes", "3d_fullres.patch", "112 x 112 x 112", "whole median image"},
      {"thick_slices", "3d_fullres.spacing", " mm", "10th percentile"},
      {"coarse_axis_last", "axes", "2, 0, 1", "coarsest axis comes first"},
      {"pictures", "3d_fullres", "none", "single slice"},
      {"pictures", "2d.batch", "2", "5.0 % of the data set; 2 at least"},
      {"whole_body", "channel 0 (CT)", "CTNormalization", "percentiles"},
      {"whole_body", "3d_cascade_fullres", "after 3d_lowres", "a channel a label"},
      {"many_channels_masked", "channel 0 (t1)", "ZScoreNormalization", "less than 75 %"},
  };
  for (auto const& row : wanted) {
    SCOPED_TRACE(text(row.set, " ", row.key));
    auto const& sets = planner_test_sets();
    auto const set = std::find_if(sets.begin(), sets.end(), [&](auto const& one) {
      return one["dataset"].template get<std::string>().ends_with(row.set);
    });
    ASSERT_NE(set, sets.end());
    auto const fingerprint = read_fingerprint((*set)["fingerprint"], "fingerprint");
    auto const about = planner_test_dataset(*set);
    auto const rows = explained(plan_recipe(fingerprint, about), fingerprint, about);
    auto const found = std::find_if(rows.begin(), rows.end(),
                                    [&](auto const& one) { return one.key == row.key; });
    ASSERT_NE(found, rows.end());
    EXPECT_NE(found->value.find(row.value), std::string::npos) << found->value;
    EXPECT_NE(found->reason.find(row.reason), std::string::npos) << found->reason;
  }
}

}  // namespace
}  // namespace fovea
