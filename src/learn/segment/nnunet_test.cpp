#include "learn/segment/nnunet.hpp"

#include "base/core/error.hpp"
#include "base/io/nifti.hpp"
#include "learn/segment/model.hpp"
#include "learn/segment/test_models.hpp"

#include <gtest/gtest.h>

namespace fovea {
namespace {

fs::path predict_shared() {
  return fs::path{FOVEA_SOURCE_DIR} / "../shared/peers/nnunet-reference";
}

// Channels in files of their own, as nnU-Net has them.
Volume predict_image(fs::path const& folder, std::string const& name, std::size_t channels) {
  std::vector<Volume> parts;
  for (std::size_t c = 0; c < channels; ++c)
    parts.push_back(as_float(read_nifti(folder / text(name, "_000", c, ".nii.gz")).volume));
  Volume out{parts[0].grid(), Type::f32, Unit::arbitrary, static_cast<std::int64_t>(channels)};
  for (std::size_t c = 0; c < channels; ++c) {
    auto const from = parts[c].as<float>();
    std::copy(from.begin(), from.end(),
              out.write_channel<float>(static_cast<std::int64_t>(c)).begin());
  }
  return out;
}

Volume predict_labels(fs::path const& folder, Volume const& image, bool flips) {
  auto const model = nnunet_model(folder / "model");
  auto contract = segment_contract(model.about);
  EXPECT_FALSE(contract.flips.empty());
  if (!flips) contract.flips.clear();
  return segmented(model, contract, image).labels;
}

TEST(NnunetPredict, GivesWhatNnunetPredicted) {
  if (!fs::exists(predict_shared())) GTEST_SKIP() << predict_shared() << " is not here";
  struct Row {
    char const* name;
    char const* one;
    std::size_t channels;
    bool flips;
  };
  // An anisotropic case on a turned, permuted grid; a CT and an MR channel of two spacings.
  Row const rows[] = {{"Dataset005_Permuted", "hippocampus_015", 1, true},
                      {"Dataset005_Permuted", "hippocampus_026", 1, false},
                      {"Dataset006_CT", "ct12", 2, false},
                      {"Dataset006_CT", "ct13", 2, false}};
  for (auto const& row : rows) {
    SCOPED_TRACE(text(row.name, " ", row.one, row.flips ? " with flips" : " without flips"));
    auto const folder = predict_shared() / row.name;
    auto const image = predict_image(folder / "images", row.one, row.channels);
    auto const labels = predict_labels(folder, image, row.flips);
    auto const expected = read_nifti(folder / (row.flips ? "predicted" : "predicted-no-flips") /
                                     text(row.one, ".nii.gz"))
                              .volume;
    EXPECT_GE(least_dice(labels, expected), 0.999);
  }
}

TEST(NnunetPredict, GivesWhatNnunetPredictedForAHippocampus) {
  auto const images = fs::path{FOVEA_SOURCE_DIR} / "../shared/data/hippocampus-3d/images";
  if (!fs::exists(predict_shared()) || !fs::exists(images))
    GTEST_SKIP() << predict_shared() << " or " << images << " is not here";
  auto const folder = predict_shared() / "Dataset004_Hippocampus";
  auto const image = read_nifti(images / "hippocampus_015.nii.gz").volume;
  auto const labels = predict_labels(folder, image, false);
  auto const expected = read_nifti(folder / "predicted-no-flips/hippocampus_015.nii.gz").volume;
  EXPECT_GE(least_dice(labels, expected), 0.999);
}

TEST(NnunetPredict, GivesWhatACascadePredicted) {
  // Drawn weights leave many voxels undecided: some fall otherwise by rounding.
  auto const folder = fs::path{FOVEA_SOURCE_DIR} / "src/learn/segment/made/cascade";
  auto const image = predict_image(folder / "images", "case", 1);
  auto const second = folder / "nnUNetTrainer__nnUNetPlans__3d_cascade_fullres";
  auto const model = nnunet_model(second / "");
  ASSERT_NE(model.before, nullptr);
  auto const first_contract = segment_contract(model.before->about);
  EXPECT_GE(least_dice(segmented(*model.before, first_contract, image).labels,
                       read_nifti(folder / "found/case.nii.gz").volume),
            0.995);
  EXPECT_GE(least_dice(segmented(model, segment_contract(model.about), image).labels,
                       read_nifti(folder / "predicted/case.nii.gz").volume),
            0.995);
  ScratchFolder const scratch;
  auto const alone = scratch.path() / second.filename();
  fs::copy(second, alone, fs::copy_options::recursive);
  try {
    nnunet_model(alone);
    ADD_FAILURE() << "a second step without its first one was taken";
  } catch (Error const& error) {
    EXPECT_NE(std::string{error.what()}.find("nnUNetTrainer__nnUNetPlans__3d_lowres"),
              std::string::npos);
  }
}

}  // namespace
}  // namespace fovea
