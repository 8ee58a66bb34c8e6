#include "learn/foreign/bundle_run.hpp"

#include "base/core/error.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

constexpr std::size_t run_stride = 17;  // of the values that are kept of MONAI's

// The phantom of made/bundle.py. NIfTI's affine, RAS, becomes LPS.
Volume run_phantom() {
  Grid grid{.size = {13, 11, 9},
            .origin = {{-20, 30, 5}},
            .axes = {{{{0, 0, 1.1}}, {{0.8, 0, 0}}, {{0, -2.5, 0}}}}};
  Volume out{grid, Type::i16};
  auto const values = out.write<std::int16_t>();
  std::size_t at = 0;
  for (int k = 0; k < 9; ++k) {
    for (int j = 0; j < 11; ++j) {
      for (int i = 0; i < 13; ++i)
        values[at++] = static_cast<std::int16_t>((7 * i + 13 * j + 29 * k) % 31 * 8 +
                                                 (i > 5 ? 40 : 0) - (k < 3 ? 60 : 0));
    }
  }
  return out;
}

// By formula, numbered in MONAI's order: k fastest.
Volume run_outputs(Grid const& grid) {
  Volume out{grid, Type::f32, Unit::arbitrary, 3};
  auto const [ni, nj, nk] = grid.size;
  for (std::int64_t c = 0; c < 3; ++c) {
    auto const values = out.write_channel<float>(c);
    for (std::int64_t i = 0; i < ni; ++i) {
      for (std::int64_t j = 0; j < nj; ++j) {
        for (std::int64_t k = 0; k < nk; ++k) {
          auto const number = ((c * ni + i) * nj + j) * nk + k;
          values[static_cast<std::size_t>((k * nj + j) * ni + i)] =
              static_cast<float>(number * 7919 % 2003) / 500 - 2;
        }
      }
    }
  }
  return out;
}

BundlePlan run_plan(Json const& config) {
  Json root = config;
  root["network"] = {{"_target_", "UNet"}};
  root["evaluator"] = {
      {"_target_", "SupervisedEvaluator"},
      {"network", "@network"},
      {"postprocessing", "@postprocessing"},
      {"val_data_loader",
       {{"_target_", "DataLoader"},
        {"dataset", {{"_target_", "Dataset"}, {"transform", "@preprocessing"}}}}}};
  return plan_of(BundleConfig{root, "test"});
}

// How many values differ by more than rounding.
std::size_t run_differences(Volume const& got, Json const& expected, double tolerance) {
  auto const values = got.as<float>();
  EXPECT_EQ((values.size() + run_stride - 1) / run_stride, expected.size());
  std::size_t out = 0;
  for (std::size_t n = 0; n < expected.size() && n * run_stride < values.size(); ++n) {
    auto const wanted = expected[n].get<double>();
    if (std::abs(values[n * run_stride] - wanted) > tolerance) ++out;
  }
  return out;
}

TEST(BundleRun, MakesOfAnImageAndOfOutputsWhatMonaiMakes) {
  auto const cases =
      read_json(fs::path{FOVEA_SOURCE_DIR} / "src/learn/foreign/made/bundle.json");
  auto const phantom = run_phantom();
  for (auto const& row : cases) {
    SCOPED_TRACE(row.at("name").get<std::string>());
    auto const plan = run_plan(row.at("config"));
    ASSERT_TRUE(plan.missing.empty()) << plan.missing[0];
    auto const seen = bundle_before(plan, phantom);
    auto const& image = seen.image;
    auto const& size = row.at("size");
    for (std::size_t axis = 0; axis < 3; ++axis)
      ASSERT_EQ(image.grid().size[axis], size[axis].get<std::int64_t>());
    for (std::size_t axis = 0; axis < 3; ++axis) {
      for (std::size_t n = 0; n < 3; ++n) {
        auto const sign = n < 2 ? -1.0 : 1.0;  // RAS to LPS
        EXPECT_NEAR(image.grid().axes[axis].mm[n] * sign,
                    row.at("affine")[4 * n + axis].get<double>(), 1e-6);
        EXPECT_NEAR(image.grid().origin.mm[n] * sign, row.at("affine")[4 * n + 3].get<double>(),
                    1e-6);
      }
    }
    EXPECT_EQ(image.channels(), row.at("image_channels").get<std::int64_t>());
    EXPECT_EQ(run_differences(image, row.at("image"), 1e-4), 0U);
    auto const result =
        bundle_after(plan, run_outputs(image.grid()), seen.moves, phantom.grid());
    EXPECT_EQ(result.channels(), row.at("channels").get<std::int64_t>());
    EXPECT_EQ(result.grid().size, phantom.grid().size);
    EXPECT_EQ(run_differences(result, row.at("result"), 1e-4), 0U);
  }
}

TEST(BundleRun, RefusesOptionsThatCannotBe) {
  Json const sound = {
      {"preprocessing", {{"_target_", "Compose"}, {"transforms", Json::array()}}},
      {"postprocessing", {{"_target_", "Compose"}, {"transforms", Json::array()}}}};
  std::pair<char const*, char const*> const rows[] = {
      {R"({"_target_": "Orientationd", "axcodes": "RAX"})", "Orientation"},
      {R"({"_target_": "Orientationd"})", "three letters"},
      {R"({"_target_": "Spacingd"})", "no pixdim"},
      {R"({"_target_": "Spacingd", "pixdim": ["a", 1, 1]})", "expected a number as pixdim"},
      {R"({"_target_": "Spacingd", "pixdim": 1e-9})", ""},
      {R"({"_target_": "Spacingd", "pixdim": 1e300})", "pixdim of at most"},
      {R"({"_target_": "Spacingd", "pixdim": 1, "mode": "bicubic"})", "the mode bicubic"},
      {R"({"_target_": "Spacingd", "pixdim": 1, "padding_mode": "zeros"})",
       "the padding zeros"},
      {R"({"_target_": "ScaleIntensityRanged", "a_min": 0})", "no a_max"},
      {R"({"_target_": "ScaleIntensityRanged", "a_min": 1, "a_max": 1})", "are equal"},
      {R"({"_target_": "ScaleIntensityRanged", "a_min": 0, "a_max": 1, "clip": true})",
       "clips without"},
  };
  for (auto const& [step, said] : rows) {
    SCOPED_TRACE(step);
    auto config = sound;
    config["preprocessing"]["transforms"].push_back(parse_json(step, "step"));
    auto const plan = run_plan(config);
    try {
      bundle_before(plan, run_phantom());
      ADD_FAILURE() << "it was run";
    } catch (Error const& fault) {
      EXPECT_EQ(fault.fault(), Fault::input);
      EXPECT_NE(std::string{fault.what()}.find(said), std::string::npos) << fault.what();
    }
  }
}

TEST(BundleRun, RefusesAResultThatIsNotOnTheImagesGrid) {
  Json const config = {
      {"preprocessing",
       {{"_target_", "Compose"}, {"transforms", {{{"_target_", "Spacingd"}, {"pixdim", 2}}}}}},
      {"postprocessing",
       {{"_target_", "Compose"},
        {"transforms", {{{"_target_", "AsDiscreted"}, {"argmax", true}}}}}}};
  auto plan = run_plan(config);
  auto const phantom = run_phantom();
  auto const seen = bundle_before(plan, phantom);
  EXPECT_THROW(bundle_after(plan, run_outputs(seen.image.grid()), seen.moves, phantom.grid()),
               Error);
  plan.missing.emplace_back("the transform Lambdad");
  EXPECT_THROW(bundle_before(plan, phantom), Error);
}

}  // namespace
}  // namespace fovea
