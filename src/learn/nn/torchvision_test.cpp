// The networks equal torchvision's: same names, same numbers of weights, same outputs.
// torchvision_reference.py made the expected values.
#include "base/core/file.hpp"
#include "base/core/json.hpp"
#include "learn/nn/network.hpp"

#include <ATen/ops/empty.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <zlib.h>

namespace fovea {
namespace {

// The formula of torchvision_reference.py.
double torchvision_number(std::uint32_t key, std::int64_t at) {
  auto x =
      static_cast<std::uint32_t>(static_cast<std::uint64_t>(at) + (std::uint64_t{key} << 20)) *
          2654435761U +
      12345U;
  x = (x ^ (x >> 15)) * 2246822519U;
  x ^= x >> 13;
  return static_cast<double>(x & 0xFFFFU) / 32768 - 1;
}

// u * factor + shift.
void torchvision_fill(at::Tensor const& value, std::uint32_t key, double factor, double shift) {
  auto const fresh = at::empty(value.sizes(), at::kFloat);
  auto* const data = fresh.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < fresh.numel(); ++i)
    data[i] = static_cast<float>(torchvision_number(key, i) * factor + shift);
  value.copy_(fresh);
}

void torchvision_fill(Named const& tensor) {
  auto const& name = tensor.name;
  auto const key = static_cast<std::uint32_t>(
      crc32(0, reinterpret_cast<Bytef const*>(name.data()), static_cast<uInt>(name.size())) &
      0x7FFFU);
  auto const ends = [&](std::string_view tail) { return name.ends_with(tail); };
  auto const& value = tensor.value;
  if (ends("running_var")) return torchvision_fill(value, key, 0.3, 1);
  if (ends("running_mean")) return torchvision_fill(value, key, 0.1, 0);
  if (value.dim() == 1) return torchvision_fill(value, key, 0.1, ends("weight") ? 1 : 0);
  if (ends("layer_scale")) return torchvision_fill(value, key, 0.3, 0);
  if (ends("class_token") || ends("pos_embedding")) return torchvision_fill(value, key, 0.5, 0);
  auto const fan_in = static_cast<double>(value.numel()) / static_cast<double>(value.size(0));
  torchvision_fill(value, key, std::sqrt(3 / fan_in) * 1.2, 0);
}

}  // namespace

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
    for (auto const& tensor : network.parameters()) torchvision_fill(tensor);
    for (auto const& tensor : network.buffers()) torchvision_fill(tensor);
    EXPECT_EQ(cost_of(network.graph(), {size, size}).parameters,
              row["parameters"].get<std::int64_t>());

    auto const images = at::empty({2, 3, size, size});
    torchvision_fill(images, 4242, 1, 0);
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
