#include "learn/segment/export_bundle.hpp"

#include "base/core/words.hpp"
#include "base/io/nifti.hpp"
#include "learn/adopt/nnunet_network.hpp"
#include "learn/segment/bundle.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace fovea {
namespace {

// A small untrained segmenter whose axes are permuted, with mirror images and a cleanup.
Model export_model(bool regions) {
  RecipeConfig config;
  config.name = "3d_fullres";
  config.identifier = "test";
  config.patch = {8, 12, 16};
  config.median_shape = {8, 12, 16};
  config.spacing = {1, 1, 1};
  config.normalisation = {Normalisation::z_score};
  config.masked = {false};
  config.network.features = {4, 8};
  config.network.kernels = {{3, 3, 3}, {3, 3, 3}};
  config.network.strides = {{1, 1, 1}, {2, 2, 2}};
  config.network.encoder = {1, 1};
  config.network.decoder = {1};
  SegmentContract contract;
  contract.recipe.dataset = "Test";
  contract.recipe.forward = contract.recipe.backward = {1, 0, 2};
  contract.recipe.intensities = {{}};
  contract.recipe.configs = {config};
  contract.patch = {8, 12, 16};
  contract.channels = {"MR"};
  contract.rule = {.values = {0, 1, 4}, .regions = false};
  if (regions) contract.rule = {.values = {1, 2, 3}, .regions = true};
  contract.inside = regions ? std::vector<std::vector<std::int64_t>>{{1, 2, 3}, {2, 3}, {3}}
                            : std::vector<std::vector<std::int64_t>>{{1}, {4}};
  contract.flips = {0, 2};
  contract.cleanup = {{{1}}};
  contract.finest = contract.coarsest = {1, 1, 1};
  Model model;
  model.about.task = "segment";
  model.about.name = "Test";
  model.about.description = "a test";
  model.about.input = {.size = {8, 12, 16}, .smallest = {8, 12, 16}, .largest = {8, 12, 16}};
  model.about.output = {.format = "segmentation", .channels = 3, .on_grid = true};
  for (std::size_t n = 0; n < contract.inside.size(); ++n)
    model.about.labels.push_back({text("label ", n), {}});
  write_contract(contract, model.about);
  model.networks.emplace_back(graph_of(config, 1, 3), 5);
  return model;
}

// As large as a window, so that windows of all kinds fall together; nothing is 0.
Volume export_image() {
  Volume out{upright({16, 8, 12}, {{1, 1, 1}}), Type::i16};
  auto const values = out.write<std::int16_t>();
  for (std::size_t n = 0; n < values.size(); ++n)
    values[n] = static_cast<std::int16_t>(1 + n * 7919 % 613 + (n % 16 > 7 ? 200 : 0));
  return out;
}

std::size_t export_differences(Volume const& a, Volume const& b) {
  auto const x = as_float(a);
  auto const y = as_float(b);
  EXPECT_EQ(x.grid().size, y.grid().size);
  std::size_t out = 0;
  for (std::size_t n = 0; n < x.as<float>().size(); ++n)
    out += x.as<float>()[n] != y.as<float>()[n] ? 1 : 0;
  return out;
}

TEST(SegmentExport, IsABundleThatGivesTheSameMasks) {
  auto const* python = std::getenv("FOVEA_MONAI_PYTHON");
  for (auto const regions : {false, true}) {
    SCOPED_TRACE(regions ? "regions" : "labels");
    ScratchFolder const room;
    auto const model = export_model(regions);
    write_bundle(room.path(), model.about, segment_bundle(model));
    auto const image = export_image();
    auto const ours = segmented(model, segment_contract(model.about), image).labels;
    auto const bundle = bundle_model(room.path(), true);
    EXPECT_LE(export_differences(bundle_masks(bundle, image), ours), 2U);
    if (python == nullptr) continue;  // names no Python with MONAI
    make_folder(room.path() / "images");
    write_nifti(room.path() / "images/case.nii.gz", image);
    // What `python -m monai.bundle run` does, without the package for its engines.
    auto const command =
        text("cd ", room.path(), " && ", python,
             " -c 'import torch; from monai.bundle import ConfigParser, verify_net_in_out as "
             "verify; "
             "from monai.data import MetaTensor; "
             "verify(net_id=\"network_def\", meta_file=\"configs/metadata.json\", "
             "config_file=\"configs/inference.json\", bundle_root=\".\"); "
             "p = ConfigParser(); p.read_config(\"configs/inference.json\"); p.parse(); "
             "d = p.get_parsed_content(\"dataset\")[0]; "
             "o = p.get_parsed_content(\"inferer\")(d[\"image\"][None], "
             "p.get_parsed_content(\"network\")); "
             "d[\"pred\"] = MetaTensor(o[0].detach(), affine=d[\"image\"].affine, "
             "meta=d[\"image\"].meta); "
             "p.get_parsed_content(\"postprocessing\")(d)' > log 2>&1");
    ASSERT_EQ(std::system(command.c_str()), 0) << read_text(room.path() / "log");
    auto const theirs = read_nifti(room.path() / "masks/case.nii.gz").volume;
    auto const differences = export_differences(theirs, ours);
    std::cout << differences << " of " << ours.voxels() << " voxels differ from MONAI's\n";
    EXPECT_LE(differences, 2U);
  }
}

TEST(SegmentExport, RefusesAnEnsemble) {
  auto model = export_model(false);
  model.networks.push_back(model.networks[0]);
  EXPECT_THROW(segment_bundle(model), Error);
}

TEST(SegmentExport, RefusesChannelsNormalisedInsideTheForegroundOfAll) {
  for (auto const other : {Normalisation::z_score, Normalisation::none}) {
    auto model = export_model(false);
    auto contract = segment_contract(model.about);
    auto& config = contract.recipe.configs[0];
    config.normalisation = {Normalisation::z_score, other};
    config.masked = {true, true};
    contract.recipe.intensities = {{}, {}};
    contract.channels = {"T1", "T2"};
    model.networks.clear();
    model.networks.emplace_back(graph_of(config, 2, 3), 5);
    write_contract(contract, model.about);
    try {
      segment_bundle(model);
      ADD_FAILURE() << "it was written";
    } catch (Error const& fault) {
      EXPECT_EQ(fault.fault(), Fault::usage);
      EXPECT_NE(std::string{fault.what()}.find("foreground"), std::string::npos)
          << fault.what();
    }
  }
}

}  // namespace
}  // namespace fovea
