#include "learn/foreign/nnunet.hpp"

#include "base/core/error.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace fovea {
namespace {

fs::path nnunet_shared() {
  return fs::path{FOVEA_SOURCE_DIR} / "../shared/peers/nnunet-reference";
}

std::string nnunet_fault(std::function<void()> const& work, Fault expected = Fault::input) {
  try {
    work();
  } catch (Error const& fault) {
    EXPECT_EQ(fault.fault(), expected);
    return fault.what();
  }
  return "nothing was refused";
}

NnunetDataset nnunet_read(std::string_view words) {
  return nnunet_dataset(parse_json(words, "dataset.json"), "dataset.json");
}

TEST(Nnunet, ReadsLabelsAndRegionsOfADataSet) {
  auto const plain = nnunet_read(
      R"({"channel_names": {"0": "CT", "1": "PET"}, "labels": {"b": 2, "background": 0, "a": 1},
          "file_ending": ".nrrd"})");
  EXPECT_EQ(plain.channels, (std::vector<std::string>{"CT", "PET"}));
  EXPECT_EQ(plain.labels, (std::vector<DatasetFileLabel>{{"a", {1}, 1}, {"b", {2}, 2}}));
  EXPECT_FALSE(plain.regions);
  EXPECT_EQ(plain.outputs(), 3);
  EXPECT_EQ(plain.ending, ".nrrd");

  auto const regions = nnunet_read(
      R"({"channel_names": {"0": "T1"}, "regions_class_order": [1, 2, 3],
          "labels": {"background": 0, "whole": [3, 1, 2], "core": [2, 3], "enhancing": 3, "ignore": 4}})");
  EXPECT_TRUE(regions.regions);
  EXPECT_EQ(regions.outputs(), 3);
  EXPECT_EQ(regions.labels[0], (DatasetFileLabel{"whole", {1, 2, 3}, 1}));
  EXPECT_EQ(regions.labels[2], (DatasetFileLabel{"enhancing", {3}, 3}));
  EXPECT_EQ(regions.ignore, 4);
  EXPECT_EQ(regions.ending, ".nii.gz");
}

TEST(Nnunet, RefusesDataSetsThatAreNone) {
  std::pair<char const*, char const*> const rows[] = {
      {"[]", "\"labels\""},
      {R"({"labels": {"a": 1}})", "\"modality\""},
      {R"({"channel_names": {"0": "CT"}, "labels": {"a": 2}})", "without a gap"},
  };
  for (auto const& [words, said] : rows) {
    SCOPED_TRACE(words);
    auto const fault = nnunet_fault([&, &json = words] { nnunet_read(json); });
    EXPECT_NE(fault.find(said), std::string::npos) << fault;
  }
}

TEST(Nnunet, ReadsTheFoldersThatItTrained) {
  if (!fs::exists(nnunet_shared())) GTEST_SKIP() << nnunet_shared() << " is not here";
  struct Row {
    char const* name;
    std::size_t channels, labels, stages, tensors;
    std::array<std::size_t, 3> forward;
  };
  Row const rows[] = {{"Dataset004_Hippocampus", 1, 2, 4, 64, {0, 1, 2}},
                      {"Dataset005_Permuted", 1, 2, 4, 64, {2, 0, 1}},
                      {"Dataset006_CT", 2, 3, 5, 82, {0, 1, 2}}};
  for (auto const& row : rows) {
    SCOPED_TRACE(row.name);
    auto const model = read_nnunet(nnunet_shared() / row.name / "model");
    EXPECT_EQ(model.trainer, "BudgetTrainer");
    EXPECT_EQ(model.config, "3d_fullres");
    EXPECT_EQ(model.mirror_axes, (std::vector<std::size_t>{0, 1, 2}));
    EXPECT_EQ(model.dataset.channels.size(), row.channels);
    EXPECT_EQ(model.inputs(), static_cast<std::int64_t>(row.channels));
    EXPECT_EQ(model.dataset.labels.size(), row.labels);
    EXPECT_EQ(model.recipe.forward, row.forward);
    EXPECT_EQ(model.recipe.config(model.config).network.stages(), row.stages);
    ASSERT_EQ(model.folds.size(), 1U);
    EXPECT_EQ(model.folds[0].name, "fold_all");
    auto const weights = nnunet_weights(model, model.folds[0]);
    EXPECT_EQ(weights.blobs.size(), row.tensors);
    for (auto const& blob : weights.blobs) {
      EXPECT_EQ(blob.name.find("all_modules"), std::string::npos);
      EXPECT_FALSE(blob.name.starts_with("decoder.encoder."));
    }
    auto const heads = std::ranges::count_if(weights.blobs, [](auto const& blob) {
      return blob.name.starts_with("decoder.seg_layers.");
    });
    EXPECT_EQ(heads, 2);
  }
}

TEST(Nnunet, SaysWhatIsMissingInAFolder) {
  if (!fs::exists(nnunet_shared())) GTEST_SKIP() << nnunet_shared() << " is not here";
  auto const whole = nnunet_shared() / "Dataset005_Permuted/model";
  NnunetOptions const third{.folds = {"3"}, .checkpoint = "checkpoint_final.pth"};
  EXPECT_NE(
      nnunet_fault([&] { read_nnunet(whole, third); }, Fault::usage).find("there are all"),
      std::string::npos);
  NnunetOptions const best{.folds = {}, .checkpoint = "checkpoint_best.pth"};
  EXPECT_NE(
      nnunet_fault([&] { read_nnunet(whole, best); }).find("no fold_N/checkpoint_best.pth"),
      std::string::npos);
  ScratchFolder const room;
  EXPECT_NE(nnunet_fault([&] { read_nnunet(room.path()); }).find("no plans.json"),
            std::string::npos);
  fs::copy_file(whole / "plans.json", room.path() / "plans.json");
  write_file(
      room.path() / "dataset.json",
      std::string_view{R"({"channel_names": {"0": "a", "1": "b"}, "labels": {"x": 1}})"});
  make_folder(room.path() / "fold_0");
  fs::copy_file(whole / "fold_all/checkpoint_final.pth",
                room.path() / "fold_0/checkpoint_final.pth");
  EXPECT_NE(nnunet_fault([&] { read_nnunet(room.path()); }).find("is for 1 channels"),
            std::string::npos);
  // A checkpoint that wants to run something is refused before anything else is believed.
  fs::copy_file(whole / "dataset.json", room.path() / "dataset.json",
                fs::copy_options::overwrite_existing);
  fs::copy_file(fs::path{FOVEA_SOURCE_DIR} / "tests/seeds/checkpoint_fuzz/system.pt",
                room.path() / "fold_0/checkpoint_final.pth",
                fs::copy_options::overwrite_existing);
  EXPECT_NE(nnunet_fault([&] { read_nnunet(room.path()); }).find("'posix.system'"),
            std::string::npos);
}

}  // namespace
}  // namespace fovea
