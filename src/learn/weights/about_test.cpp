#include "learn/weights/about.hpp"

#include "base/core/error.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

namespace fovea {
namespace {

ModelAbout about_test_example() {
  ModelAbout about;
  about.task = "classify";
  about.name = "Chest opacities";
  about.description = "Tells opacity from none.";
  about.input = {.channels = 1,
                 .size = {28, 28},
                 .smallest = {28, 28},
                 .largest = {2048, 2500},
                 .modality = "DX",
                 .low = 0,
                 .high = 255,
                 .mean = 120,
                 .mean_spread = 20,
                 .deviation = 50};
  about.output = {"classes", 2, false};
  about.labels = {{"normal", {}}, {"pneumonia", {{"SCT", "233604007", "Pneumonia"}}}};
  about.preprocessing = Json::parse(R"([{"name":"resize","size":[28,28]}])");
  about.decoding = Json::parse(R"({"kind":"one of","anything":[1,2.5,null]})");
  about.temperature = 1.25;
  about.operating_points = {
      {"youden", "pneumonia", 0.37, "val", {{"sensitivity", {0.97, 0.95, 0.99}}}}};
  about.proof = {"test", 624, {{"auc", {0.98, 0.97, 0.99}}, {"kappa", {}}}};
  about.provenance = {18446744073709551615ULL,
                      "abc",
                      "4708 images",
                      "",
                      {{"fovea", "0.1.0"}, {"libtorch", "2.15.0"}},
                      "task: classify\n"};
  return about;
}

std::size_t about_test_lines(std::string const& words) {
  return static_cast<std::size_t>(std::ranges::count(words, '\n'));
}

}  // namespace

TEST(ModelAbout, ComesBackAsItWasWritten) {
  auto const json = to_json(about_test_example());
  auto const back = about_from(parse_json(pretty(json), "package.json"), "package.json");
  EXPECT_EQ(to_json(back), json);
  EXPECT_EQ(back.provenance.seed, 18446744073709551615ULL);
  EXPECT_FALSE(back.proof.metrics.at("kappa").value) << "what is not defined stays so";
  EXPECT_EQ(back.labels[1].codes[0].value, "233604007");
  EXPECT_EQ(back.decoding, about_test_example().decoding);
}

TEST(ModelAbout, RefusesWhatItDoesNotKnow) {
  struct Row {
    std::string_view reason;
    std::function<void(Json&)> damage;
  };
  Row const rows[] = {
      {"this program reads versions up to 1", [](Json& json) { json["version"] = 2; }},
      {"has version 0", [](Json& json) { json["version"] = 0; }},
      {"no field 'task'", [](Json& json) { json.erase("task"); }},
      {"unknown field 'taskk'", [](Json& json) { json["taskk"] = "x"; }},
      {"unknown field 'sizes'", [](Json& json) { json["input"]["sizes"] = 3; }},
      {"unknown field 'p'", [](Json& json) { json["proof"]["metrics"]["auc"]["p"] = 0.1; }},
      {"expected text in 'name'", [](Json& json) { json["name"] = 3; }},
      {"expected a number", [](Json& json) { json["temperature"] = 0; }},
      {"expected a number", [](Json& json) { json["temperature"] = "1"; }},
      {"expected a number", [](Json& json) { json["input"]["high"] = -1; }},
      {"expected a whole number", [](Json& json) { json["input"]["channels"] = 1.5; }},
      {"expected a whole number",
       [](Json& json) { json["input"]["channels"] = 18446744073709551615ULL; }},
      {"expected a whole number", [](Json& json) { json["input"]["size"][0] = 0; }},
      {"two or three sizes", [](Json& json) { json["input"]["largest"] = {1}; }},
      {"above the largest",
       [](Json& json) {
         json["input"]["smallest"] = {5000, 28};
       }},
      {"the unit", [](Json& json) { json["input"]["unit"] = "furlong"; }},
      {"2 labels for 3 output channels", [](Json& json) { json["output"]["channels"] = 3; }},
      {"1 labels for 2", [](Json& json) { json["labels"].erase(0); }},
      {"one label twice", [](Json& json) { json["labels"][1]["name"] = "normal"; }},
      {"none of the labels", [](Json& json) { json["operating_points"][0]["label"] = "x"; }},
      {"expected a list", [](Json& json) { json["preprocessing"] = Json::object(); }},
      {"expected an object", [](Json& json) { json["decoding"] = 1; }},
      {"expected true or false", [](Json& json) { json["output"]["on_grid"] = 1; }},
      {"is no object", [](Json& json) { json["labels"] = {1}; }},
      {"at least 0", [](Json& json) { json["provenance"]["seed"] = -1; }},
      {"is no object", [](Json& json) { json = Json::array(); }},
  };
  for (auto const& row : rows) {
    auto json = to_json(about_test_example());
    row.damage(json);
    SCOPED_TRACE(row.reason);
    try {
      about_from(json, "package.json");
      ADD_FAILURE() << "was read";
    } catch (Error const& error) {
      EXPECT_EQ(error.fault(), Fault::input);
      EXPECT_NE(std::string_view{error.what()}.find(row.reason), std::string_view::npos)
          << error.what();
    }
  }
}

TEST(ModelAbout, IsNotWrittenIfItCouldNotBeReadBack) {
  auto about = about_test_example();
  about.temperature = NAN;
  EXPECT_THROW(to_json(about), Error);
  about = about_test_example();
  about.name = "\xff not UTF-8";
  EXPECT_THROW(to_json(about), Error);
  about = about_test_example();
  about.labels.pop_back();
  EXPECT_THROW(to_json(about), Error) << "an operating point for a label that is not there";
}

TEST(Contract, ObjectsToWhatTheModelWasNotMadeForAndToNothingElse) {
  struct Row {
    std::string_view reason;  // empty: it fits
    ImageSeen image;
  };
  Row const rows[] = {
      {"", {1, {28, 28}, 3, 250, 118, 47}},
      {"", {1, {1024, 1500}, 0, 255, 90, 30}},
      {"3 channels", {3, {28, 28}, 3, 250, 118, 47}},
      {"", {3, {28, 28}, 3, 250, 118, 47, true}},  // grey that was saved in colour
      {"size is 12 x 12", {1, {12, 12}, 3, 250, 118, 47}},
      {"size is 28 x 9000", {1, {28, 9000}, 3, 250, 118, 47}},
      {"size is 5 x 28 x 28", {1, {5, 28, 28}, 3, 250, 118, 47}},
      {"values go from 0 to 65535", {1, {28, 28}, 0, 65535, 118, 47}},
      {"contrast", {1, {28, 28}, 0, 1, 0.46, 0.2}},  // an image of 0 … 1 for a model of 0 … 255
      {"contrast", {1, {28, 28}, 120, 120, 120, 0}},  // blank
      {"mean is 254", {1, {28, 28}, 200, 255, 254, 20}},
      {"not finite", {1, {28, 28}, 0, INFINITY, 118, 47}},
      {"not finite", {1, {28, 28}, 0, 255, NAN, 47}},
  };
  for (auto const& row : rows) {
    SCOPED_TRACE(row.reason);
    std::string said;
    for (auto const& one : outside_contract(about_test_example().input, row.image))
      said += one + "\n";
    if (row.reason.empty())
      EXPECT_EQ(said, "");
    else
      EXPECT_NE(said.find(row.reason), std::string::npos) << said;
  }
}

TEST(Contract, AcceptsEveryNumberOfChannelsThatTheTrainingImagesHad) {
  auto about = about_test_example();
  about.input.channels = 3;
  about.input.seen_channels = {1, 3};
  auto const read = about_from(to_json(about), "package.json").input;
  EXPECT_EQ(read.seen_channels, (std::vector<std::int64_t>{1, 3}));
  EXPECT_TRUE(outside_contract(read, {1, {28, 28}, 3, 250, 118, 47}).empty());
  EXPECT_TRUE(outside_contract(read, {3, {28, 28}, 3, 250, 118, 47}).empty());
  EXPECT_EQ(outside_contract(read, {2, {28, 28}, 3, 250, 118, 47}).size(), 1U);
  auto old = to_json(about);
  old["input"].erase("seen_channels");
  EXPECT_EQ(about_from(old, "package.json").input.seen_channels,
            (std::vector<std::int64_t>{3}));
}

TEST(ModelCard, TellsWhatThePackageTells) {
  auto const card = model_card(about_test_example());
  for (auto const* words : {"# Chest opacities", "pneumonia", "SCT 233604007 Pneumonia",
                            "| auc | 0.980 | 0.970 to 0.990 |", "| kappa | not defined |",
                            "624 cases", "pneumonia from 0.37 on", "    task: classify",
                            "libtorch 2.15.0", "seed 18446744073709551615"})
    EXPECT_NE(card.find(words), std::string::npos) << words << "\n" << card;
}

TEST(ModelCard, WordsFromOutsideBecomeNoMarkup) {
  auto about = about_test_example();
  auto const plain = model_card(about);
  about.labels[0].name = "<script>alert(1)</script> | **bold** [x](http://y) `c`\n# title\r\n";
  about.provenance.plan = "``` </code><img src=x>\x1b[31m\n";
  auto const card = model_card(about);
  EXPECT_EQ(card.find("<script"), std::string::npos);
  EXPECT_NE(card.find("&lt;script&gt;alert\\(1\\)&lt;/script&gt; \\| \\*\\*bold\\*\\* "
                      "\\[x\\]\\(http\\://y\\) \\`c\\` \\# title   |"),
            std::string::npos)
      << card;
  EXPECT_EQ(about_test_lines(card), about_test_lines(plain));
  EXPECT_NE(card.find("\n    ``` </code>"), std::string::npos)
      << "the plan is an indented block, where nothing is markup";
  EXPECT_EQ(card.find('\x1b'), std::string::npos);
  EXPECT_EQ(markdown("12. x 3.5"), "12\\. x 3.5");
  EXPECT_EQ(markdown("Größe"), "Größe");
}

TEST(MonaiMetadata, HasTheKeysThatTheFormatDemands) {
  auto const json = monai_metadata(about_test_example());
  for (auto const* key : {"version", "monai_version", "pytorch_version", "numpy_version",
                          "required_packages_version", "task", "description", "authors",
                          "copyright", "network_data_format"})
    EXPECT_TRUE(json.contains(key)) << key;
  auto const& image = json["network_data_format"]["inputs"]["image"];
  auto const& pred = json["network_data_format"]["outputs"]["pred"];
  for (auto const* tensor : {&image, &pred}) {
    for (auto const* key : {"type", "format", "num_channels", "spatial_shape", "dtype",
                            "value_range", "is_patch_data", "channel_def"})
      EXPECT_TRUE(tensor->contains(key)) << key;
  }
  EXPECT_EQ(image["spatial_shape"], Json::parse("[28,28]"));
  EXPECT_EQ(pred["channel_def"]["1"], "pneumonia");
  EXPECT_EQ(pred["format"], "classes");
}

}  // namespace fovea
