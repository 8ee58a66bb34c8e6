#pragma once

#include "learn/nn/ops.hpp"
#include "learn/segment/model.hpp"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <vector>

// For tests: segmenters that need no training. They blur an image a little and mark by value.
namespace fovea {

struct TestSegmenter {
  std::vector<std::string> labels{"organ"};
  std::vector<std::uint16_t> values{1};  ///< in answers
  bool regions = false;
  std::vector<double> spacing{1, 1, 1};      ///< of the network, k, j, i or j, i
  std::vector<std::int64_t> patch{8, 8, 8};  ///< the same
  /// By label: how strongly voxels above 1 speak for it.
  std::vector<float> weight{4};
};

inline Network test_segmenter_network(TestSegmenter const& draw) {
  auto const dimensions = static_cast<std::int64_t>(draw.patch.size());
  auto const outputs = std::ssize(draw.labels) + (draw.regions ? 0 : 1);
  Graph graph;
  auto at = graph.add("input", {}, {{"channels", std::int64_t{1}}, {"dimensions", dimensions}});
  at = graph.add(
      "conv", {at},
      {{"out", std::int64_t{1}}, {"kernel", std::int64_t{3}}, {"padding", std::int64_t{1}}},
      "blur");
  graph.marks["features"] = at;
  graph.add("conv", {at}, {{"out", outputs}, {"kernel", std::int64_t{1}}}, "head");
  Network network{graph, 1};
  c10::NoGradGuard const quiet;
  for (auto const& one : network.parameters()) {
    if (one.name == "blur.weight") one.value.fill_(dimensions == 3 ? 1.0 / 27 : 1.0 / 9);
    if (one.name == "blur.bias") one.value.fill_(-1);
    if (one.name == "head.bias") one.value.zero_();
    if (one.name == "head.weight") {
      one.value.zero_();
      for (std::size_t n = 0; n < draw.weight.size(); ++n)
        one.value[static_cast<std::int64_t>(n) + (draw.regions ? 0 : 1)].fill_(draw.weight[n]);
    }
  }
  return network;
}

inline Model test_segmenter(TestSegmenter const& draw) {
  auto const axes = draw.patch.size();
  SegmentContract contract;
  RecipeConfig config;
  config.name = axes == 2 ? "2d" : "3d_fullres";
  config.identifier = "test";
  config.patch = draw.patch;
  config.median_shape.assign(axes, 20);
  config.spacing = draw.spacing;
  config.normalisation = {Normalisation::none};
  config.masked = {false};
  auto& net = config.network;
  net.features = {1, 1};
  net.kernels.assign(2, std::vector<std::int64_t>(axes, 3));
  net.strides.assign(2, std::vector<std::int64_t>(axes, 1));
  net.encoder = {1, 1};
  net.decoder = {1};
  contract.recipe.configs = {config};
  contract.recipe.intensities = {IntensityStatistics{}};
  contract.patch = axes == 2 ? std::array{std::int64_t{1}, draw.patch[0], draw.patch[1]}
                             : std::array{draw.patch[0], draw.patch[1], draw.patch[2]};
  contract.channels = {"CT"};
  contract.rule = {.values = draw.values, .regions = draw.regions};
  if (!draw.regions) contract.rule.values.insert(contract.rule.values.begin(), 0);
  for (auto const value : draw.values) contract.inside.push_back({value});
  contract.coarsest.fill(1e6);
  Model model;
  model.networks = {test_segmenter_network(draw)};
  model.about.task = "segment";
  model.about.output = {
      .format = "segmentation", .channels = std::ssize(contract.rule.values), .on_grid = true};
  model.about.input = {
      .channels = 1, .size = draw.patch, .smallest = draw.patch, .largest = draw.patch};
  for (auto const& name : draw.labels) model.about.labels.push_back({name, {}});
  write_contract(contract, model.about);
  return model;
}

/// Zero but for balls of value 2 (places i, j, k and radii in voxels) in a body of value 0.5,
/// which leaves a margin of 2 voxels.
inline Volume test_body(Grid const& grid,
                        std::vector<std::array<double, 4>> const& balls,
                        float more = 0) {
  Volume out{grid, Type::f32};
  auto const values = out.write<float>();
  auto const margin = [&](std::int64_t n, std::size_t axis) {
    return n < 2 || n >= grid.size[axis] - 2;
  };
  std::size_t n = 0;
  for (std::int64_t k = 0; k < grid.size[2]; ++k) {
    for (std::int64_t j = 0; j < grid.size[1]; ++j) {
      for (std::int64_t i = 0; i < grid.size[0]; ++i, ++n) {
        if (margin(i, 0) || margin(j, 1) || margin(k, 2)) continue;
        values[n] = 0.5F + more * static_cast<float>((i * 7 + j * 3 + k * 5) % 11);
        for (auto const& [x, y, z, radius] : balls) {
          auto const dx = static_cast<double>(i) - x, dy = static_cast<double>(j) - y,
                     dz = static_cast<double>(k) - z;
          if (dx * dx + dy * dy + dz * dz < radius * radius) values[n] = 2;
        }
      }
    }
  }
  return out;
}

/// The least Dice of all labels that either has.
inline double least_dice(Volume const& got, Volume const& wanted) {
  auto const a = as_float(got);
  auto const b = as_float(wanted);
  EXPECT_EQ(a.grid().size, b.grid().size);
  std::map<float, std::array<double, 2>> counts;  // in both, in either twice
  for (std::size_t v = 0; v < a.as<float>().size(); ++v) {
    auto const x = a.as<float>()[v];
    auto const y = b.as<float>()[v];
    if (x != 0) counts[x][1] += 1;
    if (y != 0) counts[y][1] += 1;
    if (x == y && x != 0) counts[x][0] += 1;
  }
  double least = 1;
  for (auto const& [label, count] : counts) least = std::min(least, 2 * count[0] / count[1]);
  EXPECT_FALSE(counts.empty());
  return least;
}

}  // namespace fovea
