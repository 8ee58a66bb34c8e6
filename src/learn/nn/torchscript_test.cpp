#include "learn/nn/torchscript.hpp"

#include "base/core/error.hpp"
#include "base/core/file.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/randn.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

namespace fovea {
namespace {

double torchscript_difference(at::Tensor const& a, at::Tensor const& b) {
  return (a - b).abs().max().item<double>();
}

}  // namespace

TEST(EveryNetwork, SaysItselfAsTorchscriptThatGivesTheSameOutputsForSeveralSizes) {
  ScratchFolder const scratch;
  for (auto const& row : networks()) {
    SCOPED_TRACE(row.name);
    Network const network{row.draw({.in = 1, .out = 3, .size = 28}), 1};
    write_file(scratch.path() / "model.ts", torchscript_of(network));
    ForeignModule const loaded{scratch.path() / "model.ts"};
    for (auto const& [j, i] : {std::pair{28, 28}, {33, 30}, {40, 28}}) {
      auto const image = at::randn({1, 1, j, i});
      EXPECT_LT(torchscript_difference(loaded(image), network.outputs(image, {}).back()), 1e-5)
          << j << " x " << i;
    }
  }
}

TEST(EveryNetwork, OfVolumesSaysItselfAsTorchscriptToo) {
  ScratchFolder const scratch;
  for (auto const& row : networks()) {
    if (!row.volumes) continue;
    SCOPED_TRACE(row.name);
    Network const network{row.draw({.in = 1, .out = 3, .dimensions = 3, .size = 16}), 1};
    write_file(scratch.path() / "model.ts", torchscript_of(network));
    auto const volume = at::randn({1, 1, 16, 17, 18});
    EXPECT_LT(torchscript_difference(ForeignModule{scratch.path() / "model.ts"}(volume),
                                     network.outputs(volume, {}).back()),
              1e-5);
  }
}

TEST(ForeignModule, RefusesWhatIsNoTorchscript) {
  ScratchFolder const scratch;
  EXPECT_THROW(ForeignModule{scratch.path() / "missing.ts"}, Error);
  write_file(scratch.path() / "text.ts", std::string_view{"not a zip"});
  try {
    ForeignModule{scratch.path() / "text.ts"};
    FAIL() << "accepted";
  } catch (Error const& error) {
    EXPECT_EQ(error.fault(), Fault::input);
  }
}

TEST(ForeignModule, SaysThatAnInputDoesNotFit) {
  ScratchFolder const scratch;
  write_file(scratch.path() / "model.ts",
             torchscript_of(Network{
                 network_named("resnet-small").draw({.in = 1, .out = 2, .size = 28}), 1}));
  ForeignModule const module{scratch.path() / "model.ts"};
  EXPECT_THROW(module(at::randn({1, 2, 28, 28})), Error);
}

}  // namespace fovea
