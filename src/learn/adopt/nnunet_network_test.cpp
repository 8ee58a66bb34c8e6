#include "learn/adopt/nnunet_network.hpp"

#include "base/core/error.hpp"

#include <ATen/ops/arange.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

fs::path adopt_shared() {
  return fs::path{FOVEA_SOURCE_DIR} / "../shared/peers/nnunet-reference";
}

TEST(NnunetNetwork, GivesWhatNnunetsOwnNetworkGives) {
  if (!fs::exists(adopt_shared())) GTEST_SKIP() << adopt_shared() << " is not here";
  auto const expected =
      read_json(fs::path{FOVEA_SOURCE_DIR} / "src/learn/adopt/made/nnunet.json");
  for (auto const& row : expected.at("cases")) {
    auto const name = row.at("folder").get<std::string>();
    SCOPED_TRACE(name);
    auto const model = read_nnunet(adopt_shared() / name / "model");
    auto const network = nnunet_network(model, model.folds.at(0));
    auto const shape = row.at("shape").get<std::vector<std::int64_t>>();
    std::int64_t count = 1;
    for (auto const size : shape) count *= size;
    auto const image =
        at::arange(count, at::kLong).mul(7919).remainder(2003).to(at::kFloat).div(500).sub(2);
    auto const logits = network(image.view(shape)).contiguous();
    ASSERT_EQ(logits.numel(), row.at("count").get<std::int64_t>());
    auto const* values = logits.const_data_ptr<float>();
    double worst = 0;
    std::size_t at = 0;
    for (auto const& value : row.at("values")) {
      auto const wanted = value.get<double>();
      worst = std::max(worst,
                       std::abs(values[997 * at++] - wanted) / std::max(1.0, std::abs(wanted)));
    }
    EXPECT_LT(worst, 1e-4);
  }
}

TEST(NnunetNetwork, RefusesWeightsOfAnotherNetwork) {
  if (!fs::exists(adopt_shared())) GTEST_SKIP() << adopt_shared() << " is not here";
  auto model = read_nnunet(adopt_shared() / "Dataset005_Permuted/model");
  auto const fold = model.folds.at(0);
  for (auto& config : model.recipe.configs) config.network.features.back() += 1;
  EXPECT_THROW(nnunet_network(model, fold), Error);
  for (auto& config : model.recipe.configs) config.network.bias = false;
  EXPECT_THROW(nnunet_network(model, fold), Error);
}

}  // namespace
}  // namespace fovea
