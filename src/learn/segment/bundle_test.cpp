#include "learn/segment/bundle.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"
#include "base/core/zip.hpp"
#include "base/geometry/same_grid.hpp"
#include "base/io/nifti.hpp"
#include "learn/segment/test_models.hpp"

#include <gtest/gtest.h>

namespace fovea {
namespace {

fs::path bundle_made(std::string const& name) {
  return fs::path{FOVEA_SOURCE_DIR} / "src/learn/segment/made/bundles" / name;
}

// made/bundles.py says what each of them does.
TEST(SegmentBundle, GivesTheMasksThatMonaiGives) {
  struct Row {
    char const* name;
    bool trust;
    std::vector<std::int64_t> values;
  };
  // The second's weights lie in TorchScript and are read without running it.
  Row const rows[] = {{"unet", false, {1, 2}},
                      {"segresnet", false, {1, 2, 3}},
                      {"slices", false, {1, 2, 4}},
                      {"own", true, {1, 2}}};
  for (auto const& row : rows) {
    SCOPED_TRACE(row.name);
    auto const folder = bundle_made(row.name);
    auto const model = bundle_model(folder, row.trust);
    std::vector<std::int64_t> values;
    for (auto const& label : model.labels) values.push_back(label.value);
    EXPECT_EQ(values, row.values);
    auto const image = read_nifti(folder / "image.nii.gz").volume;
    auto const mask = bundle_masks(model, image);
    EXPECT_EQ(apart_mm(mask.grid(), image.grid()), 0.0);
    auto const agreement = least_dice(mask, read_nifti(folder / "mask.nii.gz").volume);
    std::cout << row.name << ": least Dice " << agreement << '\n';
    EXPECT_GE(agreement, 0.999);
  }
}

// Of a bundle that was changed, what is said of it.
std::pair<Fault, std::string> bundle_said(std::string const& name,
                                          std::function<void(fs::path const&)> const& change,
                                          std::int64_t channels = 0) {
  ScratchFolder const room;
  auto const folder = room.path() / "bundle";
  fs::copy(bundle_made(name), folder, fs::copy_options::recursive);
  change(folder);
  try {
    auto const model = bundle_model(folder, false);
    auto const image = read_nifti(folder / "image.nii.gz").volume;
    bundle_masks(model, channels == 0
                            ? image
                            : Volume{image.grid(), Type::f32, Unit::arbitrary, channels});
  } catch (Error const& fault) {
    return {fault.fault(), fault.what()};
  }
  return {Fault::bug, "nothing was refused"};
}

void bundle_change(fs::path const& folder,
                   std::string const& file,
                   std::string const& from,
                   std::string const& to) {
  auto words = read_text(folder / file);
  auto const at = words.find(from);
  ASSERT_NE(at, std::string::npos);
  write_file(folder / file, words.replace(at, from.size(), to));
}

TEST(SegmentBundle, RefusesWhatIsWrongByName) {
  struct Row {
    char const* file;
    char const* from;
    char const* to;
    char const* said;
  };
  Row const rows[] = {
      {"configs/inference.json", "\"Spacingd\"", "\"Zoomd\"", "the transform Zoomd"},
      {"configs/inference.json", "/models/model.pt'", "/../../model.pt'",
       "outside of the bundle"},
      {"configs/inference.json", "\"norm\": \"batch\"", "\"norm\": \"layer\"", "norm layer"},
      {"configs/inference.json", "\"_target_\": \"UNet\"", "\"_target_\": \"DiNTS\"",
       "the network DiNTS is not drawn"},
      {"configs/inference.json", "\"num_res_units\": 1", "\"num_res_units\": 2",
       "does not belong to its network"},
      {"configs/inference.json", "\"pred\"", "\"pred\", \"prob_key\": \"p\"", "prob_key"},
      {"configs/metadata.json", "num_channels", "number", "num_channels"},
      {"configs/metadata.json", "network_data_format", "format", "network_data_format"},
      {"configs/metadata.json",
       "\"pred\": {\n    \"type\": \"image\",\n    \"format\": \"segmentation\"",
       "\"pred\": {\n    \"type\": \"probabilities\",\n    \"format\": \"classes\"",
       "whole images"},
  };
  for (auto const& row : rows) {
    SCOPED_TRACE(row.to);
    auto const [fault, said] = bundle_said("unet", [&](fs::path const& folder) {
      bundle_change(folder, row.file, row.from, row.to);
    });
    EXPECT_EQ(fault, Fault::input);
    EXPECT_NE(said.find(row.said), std::string::npos) << said;
  }
}

// Windows are as large as a config says; nothing of that size is made before it is asked for.
TEST(SegmentBundle, RefusesWindowsThatNoMachineHolds) {
  auto model = bundle_model(bundle_made("unet"), false);
  auto const image = read_nifti(bundle_made("unet") / "image.nii.gz").volume;
  model.network = [](at::Tensor const& in) {
    ADD_FAILURE() << "it was run";
    return in;
  };
  model.plan.inferer.kind = BundleInferer::Kind::sliding;
  model.plan.inferer.window = {96'000, 96'000, 96'000};
  try {
    bundle_masks(model, image);
    ADD_FAILURE() << "it was not refused";
  } catch (Error const& fault) {
    EXPECT_EQ(fault.fault(), Fault::resource) << fault.what();
  }
}

TEST(SegmentBundle, RefusesOutputsThatNothingNames) {
  auto const image = read_nifti(bundle_made("unet") / "image.nii.gz").volume;
  auto model = bundle_model(bundle_made("unet"), false);
  model.labels.clear();
  EXPECT_THROW(bundle_masks(model, image), Error);
  auto other = bundle_model(bundle_made("unet"), false);
  other.facts.outputs.pop_back();
  EXPECT_THROW(bundle_masks(other, image), Error);
}

TEST(SegmentBundle, RunsNoCodeThatNobodyTrusts) {
  // What Python would call system() for.
  auto const code = [](fs::path const& folder) {
    auto const bytes = [](std::string_view words) {
      auto const* const at = reinterpret_cast<std::byte const*>(words.data());
      return Bytes(at, at + words.size());
    };
    fs::remove(folder / "models/model.pt");
    write_zip(
        folder / "models/model.pt",
        {{"model/data.pkl", bytes(std::string_view{"\x80\x02"
                                                   "cposix\nsystem\nX\x04\0\0\0true\x85R.",
                                                   29})},
         {"model/version", bytes("3\n")}});
  };
  auto const [fault, said] = bundle_said("unet", code);
  EXPECT_EQ(fault, Fault::input);
  EXPECT_NE(said.find("posix.system"), std::string::npos) << said;
  auto const [own_fault, own_said] = bundle_said("own", [](fs::path const&) {});
  EXPECT_EQ(own_fault, Fault::usage);
  EXPECT_NE(own_said.find("--trust"), std::string::npos) << own_said;
}

TEST(SegmentBundle, SaysWhatIsMissing) {
  auto const without = [](char const* file) {
    return bundle_said("unet", [=](fs::path const& folder) { fs::remove(folder / file); });
  };
  EXPECT_NE(without("models/model.pt").second.find("has no weights"), std::string::npos);
  EXPECT_NE(without("configs/metadata.json").second.find("no configs/metadata.json"),
            std::string::npos);
  EXPECT_NE(without("configs/inference.json").second.find("configs/inference.json"),
            std::string::npos);
  auto const [fault, said] = bundle_said(
      "unet", [](fs::path const&) {}, 2);
  EXPECT_EQ(fault, Fault::input);
  EXPECT_NE(said.find("an image of 1 channel (c0), got 2"), std::string::npos) << said;
}

TEST(SegmentBundle, StaysWithinTheMemoryThatItMayTake) {
  auto const model = bundle_model(bundle_made("unet"), false);
  auto const image = read_nifti(bundle_made("unet") / "image.nii.gz").volume;
  try {
    bundle_masks(model, image, {.memory = 1000});
    ADD_FAILURE() << "it was run";
  } catch (Error const& fault) {
    EXPECT_EQ(fault.fault(), Fault::resource);
    EXPECT_NE(std::string{fault.what()}.find("need "), std::string::npos) << fault.what();
  }
}

}  // namespace
}  // namespace fovea
