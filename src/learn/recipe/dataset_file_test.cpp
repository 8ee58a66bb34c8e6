#include "learn/recipe/dataset_file.hpp"

#include "base/core/error.hpp"

#include <gtest/gtest.h>

namespace fovea {
namespace {

DatasetFile file_of(std::string_view words) {
  return read_dataset_file(parse_json(words, "dataset.json"), "dataset.json");
}

}  // namespace

TEST(DatasetFile, IsReadAsBothProgramsWriteIt) {
  auto const decathlon = file_of(
      R"({"modality": {"0": "MRI"}, "labels": {"0": "background", "2": "back", "1": "front"}})");
  EXPECT_EQ(decathlon.channels, std::vector<std::string>{"MRI"});
  EXPECT_EQ(decathlon.labels,
            (std::vector<DatasetFileLabel>{{"front", {1}, 1}, {"back", {2}, 2}}));
  EXPECT_FALSE(decathlon.regions);
  EXPECT_EQ(decathlon.ending, ".nii.gz");
  auto const regions = file_of(
      R"({"labels": {"background": 0, "whole": [3, 1, 2], "core": [2, 3], "ignore": 4},
          "regions_class_order": [1, 3], "file_ending": ".nrrd"})");
  EXPECT_TRUE(regions.channels.empty());
  EXPECT_EQ(regions.labels,
            (std::vector<DatasetFileLabel>{{"whole", {1, 2, 3}, 1}, {"core", {2, 3}, 3}}));
  EXPECT_TRUE(regions.regions);
  EXPECT_EQ(regions.ignore, 4);
}

TEST(DatasetFile, ComesBackFromWhatIsWritten) {
  for (
      auto const* words :
      {R"({"channel_names": {"0": "CT", "1": "PET"}, "labels": {"b": 7, "a": 1, "ignore": 9}})",
       R"({"labels": {"w": [1, 2], "c": 2}, "regions_class_order": [1, 2]})"}) {
    auto const file = file_of(words);
    auto const back = read_dataset_file(dataset_file_json(file), "again");
    EXPECT_EQ(back.channels, file.channels);
    EXPECT_EQ(back.labels, file.labels);
    EXPECT_EQ(back.ignore, file.ignore);
    EXPECT_EQ(back.regions, file.regions);
  }
  EXPECT_THROW(
      dataset_file_json({.channels = {}, .labels = {{"ignore", {1}, 1}}, .ignore = {}}), Error);
}

TEST(DatasetFile, IsRefusedWithTheKeyThatIsWrong) {
  std::pair<char const*, char const*> const rows[] = {
      {"[]", "\"labels\""},
      {R"({"labels": {}})", "\"labels\""},
      {R"({"labels": {"background": 0}})", "a label above 0"},
      {R"({"labels": {"a": 1.5}})", "a whole number"},
      {R"({"labels": {"a": -1}})", "a whole number"},
      {R"({"labels": {"a": 1e300}})", "0 to 65535"},
      {R"({"labels": {"a": 99999999999999999999}})", "0 to 65535"},
      {R"({"labels": {"a": []}})", "region"},
      {R"({"labels": {"a": [0, 1]}})", "above 0 in a region"},
      {R"({"labels": {"a": [1, 2]}})", "regions_class_order"},
      {R"({"labels": {"a": 1, "b": 1}})", "regions_class_order"},
      {R"({"labels": {"a": [1, 2]}, "regions_class_order": [1, 2]})", "of 1 values"},
      {R"({"labels": {"a": [1, 2]}, "regions_class_order": [0]})", "above 0"},
      {R"({"labels": {"a": 1, "ignore": 1}})", "of its own"},
      {R"({"labels": {"a": 1, "ignore": 0}})", "to ignore"},
      {R"({"labels": {"1": "a", "2": "a"}})", "twice"},
      {R"({"labels": {"a": 1}, "channel_names": {"1": "CT"}})", "channel 0"},
      {R"({"labels": {"a": 1}, "channel_names": {"0": 1}})", "the name of a channel"},
      {R"({"labels": {"a": 1}, "channel_names": []})", "channels"},
      {R"({"labels": {"a": 1}, "file_ending": "/../x"})", "the ending"},
  };
  for (auto const& [words, said] : rows) {
    SCOPED_TRACE(words);
    try {
      file_of(words);
      ADD_FAILURE() << "was read";
    } catch (Error const& error) {
      EXPECT_EQ(error.fault(), Fault::input);
      EXPECT_NE(std::string{error.what()}.find(said), std::string::npos) << error.what();
    }
  }
}

}  // namespace fovea
