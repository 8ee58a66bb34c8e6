// Networks for segmentation equal other programs': same names and shapes of weights, same
// outputs. segmenter_reference.py made the expected values.
#include "base/core/file.hpp"
#include "base/core/json.hpp"
#include "learn/nn/segmenter.hpp"
#include "learn/nn/test_formula.hpp"

#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

namespace fovea {
namespace {

SegmentDraw parity_draw(Json const& row) {
  using Norm = SegmentDraw::Norm;
  SegmentDraw draw{.in = row["in"].get<std::int64_t>(),
                   .out = 3,
                   .dimensions = row["dimensions"].get<int>()};
  for (auto const& level : row["levels"])
    draw.levels.push_back({.features = level["features"].get<std::int64_t>(),
                           .kernel = level["kernel"].get<std::vector<std::int64_t>>(),
                           .stride = level["stride"].get<std::vector<std::int64_t>>(),
                           .blocks = level["blocks"].get<std::int64_t>(),
                           .decoder_blocks = level["decoder_blocks"].get<std::int64_t>()});
  draw.deep_supervision = row["deep_supervision"].get<bool>();
  draw.norm = row["norm"] == "batch" ? Norm::batch : Norm::standard;
  return draw;
}

void expect_same_tensors(Network const& network, Json const& row) {
  auto tensors = network.parameters();
  for (auto const& buffer : network.buffers()) tensors.push_back(buffer);
  for (auto const& tensor : tensors) {
    ASSERT_TRUE(row["tensors"].contains(tensor.name)) << tensor.name;
    EXPECT_EQ(tensor.value.sizes(),
              at::IntArrayRef(row["tensors"][tensor.name].get<std::vector<std::int64_t>>()))
        << tensor.name;
    formula_fill(tensor);
  }
  // Without deep supervision its heads are missing.
  if (row["deep_supervision"] || !row["network"].get<std::string>().starts_with("nnunet")) {
    EXPECT_EQ(tensors.size(), row["tensors"].size());
  }
}

void expect_near(at::Tensor const& output, Json const& expected) {
  auto const flat = output.contiguous().flatten();
  auto const norm = expected["norm"].get<double>();
  EXPECT_NEAR(flat.norm().item<double>(), norm, 1e-4 * norm);
  // A value is as large as the norm of all says.
  auto const usual = norm / std::sqrt(static_cast<double>(flat.numel()));
  auto const step = flat.numel() / 20;
  ASSERT_EQ(expected["values"].size(), 20U);
  for (std::int64_t i = 0; i < 20; ++i)
    EXPECT_NEAR(flat[i * step].item<double>(),
                expected["values"][static_cast<std::size_t>(i)].get<double>(), 1e-4 * usual)
        << "value " << i;
}

}  // namespace

TEST(SegmentersOfOtherPrograms, GiveTheSameOutputsForTheSameWeights) {
  auto const expected =
      read_json(fs::path{FOVEA_SOURCE_DIR} / "src/learn/nn/segmenter_reference.json");
  ASSERT_GE(expected["networks"].size(), 9U);
  c10::NoGradGuard const no_tape;
  for (auto const& row : expected["networks"]) {
    auto const name = row["network"].get<std::string>();
    if (std::ranges::none_of(segmenters(), [&](auto const& s) { return s.name == name; }))
      continue;
    SCOPED_TRACE(testing::Message() << name << " of " << row["dimensions"] << " dimensions");
    Network network{segmenter_named(name).draw(parity_draw(row)), 1};
    expect_same_tensors(network, row);
    std::vector<std::int64_t> shape{2, row["in"].get<std::int64_t>()};
    for (auto const& side : row["size"]) shape.push_back(side.get<std::int64_t>());
    auto const images = at::empty(shape);
    formula_fill(images, 4242, 1, 0);
    auto const& outputs = row["outputs"];
    expect_near(network(images), outputs[0]);
    for (auto const layout : {Layout::contiguous, Layout::channels_last}) {
      network.execution({Precision::float32, layout});
      auto all = network.outputs(images, deep_heads(network.graph()));
      ASSERT_EQ(all.size(), outputs.size());
      expect_near(all.back(), outputs[0]);
      for (std::size_t i = 1; i < outputs.size(); ++i) expect_near(all[i - 1], outputs[i]);
    }
  }
}

}  // namespace fovea
