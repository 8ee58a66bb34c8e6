// The networks equal torchvision's: same names, same numbers of weights, same outputs.
// torchvision_reference.py made the expected values.
#include "base/core/file.hpp"
#include "base/core/json.hpp"
#include "learn/nn/test_formula.hpp"

#include <ATen/ops/empty.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <cmath>

namespace fovea {

TEST(Torchvision, GivesTheSameOutputsForTheSameWeights) {
  auto const expected =
      read_json(fs::path{FOVEA_SOURCE_DIR} / "src/learn/nn/torchvision_reference.json");
  ASSERT_EQ(expected["networks"].size(), 9U);
  c10::NoGradGuard const no_tape;
  for (auto const& [name, row] : expected["networks"].items()) {
    SCOPED_TRACE(name);
    auto const size = row["size"].get<std::int64_t>();
    Network const network{
        network_named(name).draw({.in = 3, .out = 1000, .size = size, .torchvision = true}), 1};
    for (auto const& tensor : network.parameters()) formula_fill(tensor);
    for (auto const& tensor : network.buffers()) formula_fill(tensor);
    EXPECT_EQ(cost_of(network.graph(), {size, size}).parameters,
              row["parameters"].get<std::int64_t>());

    auto const images = at::empty({2, 3, size, size});
    formula_fill(images, 4242, 1, 0);
    auto const plain = network.outputs(images, {}).back(), prepared = network(images);
    auto const norm = row["norm"].get<double>();
    EXPECT_NEAR(plain.norm().item<double>(), norm, 1e-4 * norm);
    // A value is as large as the norm of all 2000 says.
    auto const tolerance = 1e-4 * norm / std::sqrt(2000.0);
    for (std::int64_t image = 0; image < 2; ++image) {
      auto const& logits = row["logits"][static_cast<std::size_t>(image)];
      ASSERT_EQ(logits.size(), 10U);
      for (std::int64_t i = 0; i < 10; ++i) {
        auto const value = logits[static_cast<std::size_t>(i)].get<double>();
        EXPECT_NEAR(plain[image][100 * i].item<double>(), value,
                    tolerance + 1e-4 * std::abs(value));
        EXPECT_NEAR(prepared[image][100 * i].item<double>(), value,
                    tolerance + 1e-4 * std::abs(value));
      }
    }
  }
}

}  // namespace fovea
