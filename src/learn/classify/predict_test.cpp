#include "learn/classify/predict.hpp"

#include "learn/classify/classify.hpp"

#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

namespace fovea {
namespace {

ModelAbout predict_test_about() {
  ModelAbout about;
  write_contract({{.width = 32,
                   .height = 24,
                   .channels = 3,
                   .low = -5,
                   .high = 300,
                   .mean = 0.4,
                   .deviation = 0.2},
                  true,
                  true,
                  "float32 fused"},
                 about);
  return about;
}

Dataset predict_test_set() {
  Dataset set;
  set.classes = {"cat", "dog"};
  set.cases = {{.id = "a", .patient = "p", .labels = {1}},
               {.id = "b", .patient = "", .labels = {0}},
               {.id = "c", .patient = "p", .labels = {0}}};
  return set;
}

}  // namespace

TEST(Contract, ReadsBackWhatItWrites) {
  auto const contract = contract_of(predict_test_about());
  EXPECT_EQ(contract.prepare.width, 32);
  EXPECT_EQ(contract.prepare.height, 24);
  EXPECT_EQ(contract.prepare.channels, 3);
  EXPECT_EQ(contract.prepare.low, -5);
  EXPECT_EQ(contract.prepare.high, 300);
  EXPECT_EQ(contract.prepare.mean, 0.4);
  EXPECT_EQ(contract.prepare.deviation, 0.2);
  EXPECT_TRUE(contract.multi_label);
  EXPECT_TRUE(contract.flips);
  EXPECT_EQ(contract.run_as, "float32 fused");
}

TEST(Contract, OfAnOlderPackageRunsAsLibTorchDoes) {
  auto about = predict_test_about();
  about.decoding.erase("run_as");
  EXPECT_EQ(contract_of(about).run_as, "float32");
}

TEST(Contract, RefusesARecipeThatItDoesNotKnowWhole) {
  struct {
    std::string_view what;
    void (*spoil)(ModelAbout&);
  } const table[] = {
      {"another step", [](ModelAbout& about) { about.preprocessing[0]["step"] = "histogram"; }},
      {"a step more",
       [](ModelAbout& about) {
         about.preprocessing.push_back({{"step", "x"}});
       }},
      {"a field less", [](ModelAbout& about) { about.preprocessing[2].erase("width"); }},
      {"a word for a number",
       [](ModelAbout& about) { about.preprocessing[3]["mean"] = "0.5"; }},
      {"nothing to divide by",
       [](ModelAbout& about) { about.preprocessing[3]["deviation"] = 0; }},
      {"an empty range", [](ModelAbout& about) { about.preprocessing[0]["high"] = -5; }},
      {"a giant", [](ModelAbout& about) { about.preprocessing[2]["width"] = 1e9; }},
      {"another activation",
       [](ModelAbout& about) { about.decoding["activation"] = "argmax"; }},
      {"a way to run that there is not",
       [](ModelAbout& about) { about.decoding["run_as"] = "float16"; }},
      {"a number of one", [](ModelAbout& about) { about.decoding["run_as"] = 1; }},
      {"no decoding", [](ModelAbout& about) { about.decoding = Json::object(); }},
  };
  for (auto const& row : table) {
    SCOPED_TRACE(row.what);
    auto about = predict_test_about();
    row.spoil(about);
    try {
      contract_of(about);
      ADD_FAILURE() << "was taken";
    } catch (Error const& error) {
      EXPECT_EQ(error.fault(), Fault::input);
    }
  }
}

TEST(Model, IsRefusedUnlessItsNetworkGivesANumberForEachLabel) {
  Model model;
  model.about.labels = {{"cat", {}}, {"dog", {}}};
  EXPECT_NO_THROW(demand_labels(model, at::zeros({3, 2})));
  for (std::vector<std::int64_t> const& shape :
       {std::vector<std::int64_t>{3, 1}, {3, 3}, {2}, {3, 2, 1}}) {
    try {
      demand_labels(model, at::zeros(shape));
      ADD_FAILURE() << "was taken";
    } catch (Error const& error) {
      EXPECT_EQ(error.fault(), Fault::input);
    }
  }
}

TEST(Model, AnswersByTheExecutorThatItsPackageNamesOrThatIsAskedFor) {
  Model model;
  model.networks.emplace_back(network_named("small-cnn").draw({.in = 1, .out = 2, .size = 32}),
                              1);
  model.about.labels = {{"cat", {}}, {"dog", {}}};
  write_contract({.prepare = {.width = 32, .height = 32}, .run_as = "float32 fused"},
                 model.about);
  Volume const image{upright({32, 32, 1}, Spacing{{1, 1, 1}}, Point{{0, 0, 0}}), Type::u8};
  auto const way = [&] {
    asked(model, contract_of(model.about), image);
    return way_of(model.networks.front().execution());
  };
  EXPECT_EQ(way(), "float32 fused");
  EXPECT_EQ(ask_way(model, {.executor = Executor::torch}), "float32 channels-last");
  EXPECT_EQ(way(), "float32 channels-last");
}

TEST(IntensityRange, ThatIsEmptyIsRefused) {
  Plan plan{classify_keys()};
  EXPECT_NO_THROW(prepare_of(plan));
  plan.set("intensity_low", 255);
  EXPECT_THROW(prepare_of(plan), Error);
}

TEST(Rows, NameClassesAsTheModelDoesAndKeepPatientsTogether) {
  auto const set = predict_test_set();
  std::vector<std::size_t> const cases{0, 1, 2};
  auto const probabilities =
      at::tensor({0.2, 0.8, 0.0, 0.5, 0.5, 0.0, 0.9, 0.1, 0.0}, at::kDouble).view({3, 3});
  auto const rows = rows_of(set, cases, probabilities, {"dog", "cat", "bird"});
  EXPECT_EQ(rows.truth, (std::vector<std::int32_t>{0, 1, 1}));
  EXPECT_EQ(rows.groups[0], rows.groups[2]);
  EXPECT_NE(rows.groups[0], rows.groups[1]);
  EXPECT_EQ(rows.probabilities[1], 0.8);
}

TEST(Rows, RefuseAClassThatTheModelWasNotTrainedFor) {
  auto const set = predict_test_set();
  std::vector<std::size_t> const cases{0};
  EXPECT_THROW(
      rows_of(set, cases, at::tensor({0.5, 0.5}, at::kDouble).view({1, 2}), {"cat", "bird"}),
      Error);
}

TEST(Probabilities, AreSharpenedByALowTemperatureAndKeepTheirOrder) {
  auto const logits = at::tensor({1.0, 2.0}, at::kFloat).view({1, 2});
  auto const sharp = probabilities_of(logits, {}, 0.5);
  auto const plain = probabilities_of(logits, {}, 1);
  EXPECT_NEAR(plain[0][1].item<double>(), 1 / (1 + std::exp(-1)), 1e-9);
  EXPECT_NEAR(sharp[0][1].item<double>(), 1 / (1 + std::exp(-2)), 1e-9);
  EXPECT_NEAR(
      probabilities_of(logits, {.prepare = {}, .multi_label = true}, 1)[0][0].item<double>(),
      1 / (1 + std::exp(-1)), 1e-9);
}

}  // namespace fovea
