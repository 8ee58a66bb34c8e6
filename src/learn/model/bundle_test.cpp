#include "learn/model/bundle.hpp"

#include "base/core/error.hpp"
#include "learn/nn/torchscript.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/arange.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace fovea {
namespace {

// A network that labels every pixel, so that sizes of in- and output hang together.
Model bundle_test_model() {
  Graph graph;
  graph.drawn_by = "bundle_test";
  auto at =
      graph.add("input", {}, {{"channels", std::int64_t{1}}, {"dimensions", std::int64_t{2}}});
  at = graph.add(
      "conv", {at},
      {{"out", std::int64_t{2}}, {"kernel", std::int64_t{3}}, {"padding", std::int64_t{1}}},
      "conv");
  Model model;
  model.about.task = "segment";
  model.about.name = "Test";
  model.about.description = "a test";
  model.about.input = {.size = {16, 16}, .smallest = {16, 16}, .largest = {16, 16}};
  model.about.output = {.format = "segmentation", .channels = 2, .on_grid = true};
  model.about.labels = {{"no", {}}, {"yes", {}}};
  model.networks.emplace_back(std::move(graph), 7);
  return model;
}

TEST(ModelBundle, HoldsTheNetworkAndSaysWhatGoesInAndOut) {
  ScratchFolder const room;
  auto const model = bundle_test_model();
  write_bundle(room.path(), model);
  auto const metadata = read_json(room.path() / "configs/metadata.json");
  auto const& formats = metadata.at("network_data_format");
  EXPECT_EQ(formats.at("inputs").at("image").at("num_channels"), 1);
  EXPECT_EQ(formats.at("outputs").at("pred").at("num_channels"), 2);
  auto const inference = read_json(room.path() / "configs/inference.json");
  EXPECT_TRUE(inference.contains("network_def"));
  EXPECT_TRUE(fs::exists(room.path() / "LICENSE"));
  EXPECT_TRUE(fs::exists(room.path() / "docs/README.md"));
  ForeignModule const module{room.path() / "models/model.ts"};
  auto const image = (at::arange(256).reshape({1, 1, 16, 16}) * 0.37).sin();
  EXPECT_TRUE(at::allclose(module(image), model.networks[0](image), 1e-5, 1e-5));
}

TEST(ModelBundle, IsSoundForMonaiItself) {
  auto const* python = std::getenv("FOVEA_MONAI_PYTHON");
  if (python == nullptr) GTEST_SKIP() << "FOVEA_MONAI_PYTHON names no Python with MONAI";
  ScratchFolder const room;
  write_bundle(room.path(), bundle_test_model());
  // What `python -m monai.bundle verify_net_in_out` calls, without the package for its command
  // line.
  auto const command =
      text("cd ", room.path(), " && ", python,
           " -c 'from monai.bundle import verify_net_in_out as verify; "
           "verify(net_id=\"network_def\", meta_file=\"configs/metadata.json\", "
           "config_file=\"configs/inference.json\", bundle_root=\".\")' > log 2>&1");
  EXPECT_EQ(std::system(command.c_str()), 0) << read_text(room.path() / "log");
}

TEST(ModelBundle, RefusesAnEnsemble) {
  ScratchFolder const room;
  auto model = bundle_test_model();
  model.networks.push_back(model.networks[0]);
  EXPECT_THROW(write_bundle(room.path(), model), Error);
}

}  // namespace
}  // namespace fovea
