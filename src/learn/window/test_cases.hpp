#pragma once

#include "learn/tensor/tensor.hpp"
#include "learn/window/test_naive.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

// For tests: cases of every kind, and all that a prediction hands out.
namespace fovea {

inline WayBack window_way(std::array<std::int64_t, 3> prepared,
                          std::array<std::int64_t, 3> cut,
                          std::array<std::int64_t, 3> first,
                          std::array<std::int64_t, 3> whole,  // network axes
                          std::array<int, 3> axes = {0, 1, 2},
                          std::optional<int> nearest = {}) {
  WayBack back{.prepared = prepared,
               .cut = cut,
               .first = first,
               .axes = axes,
               .nearest = nearest,
               .grid = {}};
  for (int axis = 0; axis < 3; ++axis) back.grid.size[2 - axes[axis]] = whole[axis];
  return back;
}

inline WayBack window_stay(std::array<std::int64_t, 3> size) {
  return window_way(size, size, {}, size);
}

inline std::vector<WindowCase> window_cases() {
  auto const slim = test_networks({.features = 3, .outputs = 7});
  auto const wide = test_networks({.features = 6, .outputs = 3});
  auto const flat = test_networks({.features = 3, .outputs = 5, .dimensions = 2});
  auto const pair = test_networks({.features = 2, .outputs = 6}, 2);
  auto const wide_pair = test_networks({.features = 6, .outputs = 3}, 2);
  std::vector<WindowCase> all;
  all.push_back({"fits one window", {.size = {8, 8, 8}}, slim, window_stay({8, 8, 8})});
  all.push_back(
      {"features, uneven sizes", {.size = {8, 6, 10}}, slim, window_stay({19, 13, 24})});
  all.push_back(
      {"outputs, uneven sizes", {.size = {8, 6, 10}}, wide, window_stay({19, 13, 24})});
  all.push_back({"longest along i", {.size = {8, 8, 8}}, slim, window_stay({9, 10, 70})});
  all.push_back({"longest along j", {.size = {4, 8, 8}}, slim, window_stay({6, 40, 9})});
  all.push_back(
      {"smaller than the window", {.size = {8, 8, 8}}, slim, window_stay({5, 3, 11})});
  all.push_back({"one voxel thick", {.size = {4, 8, 8}}, wide, window_stay({1, 17, 12})});
  all.push_back({"a step that does not divide",
                 {.size = {8, 8, 8}, .step = 0.3},
                 slim,
                 window_stay({13, 12, 11})});
  all.push_back({"no overlap", {.size = {8, 8, 8}, .step = 1}, wide, window_stay({20, 9, 17})});
  all.push_back({"flips along all",
                 {.size = {6, 8, 8}, .flips = {0, 1, 2}},
                 slim,
                 window_stay({9, 11, 14})});
  all.push_back(
      {"flips, outputs", {.size = {6, 8, 8}, .flips = {2, 0}}, wide, window_stay({9, 11, 14})});
  all.push_back({"two networks", {.size = {8, 8, 8}}, pair, window_stay({15, 9, 13})});
  all.push_back({"two networks, outputs, flips",
                 {.size = {8, 8, 8}, .flips = {1}},
                 wide_pair,
                 window_stay({15, 9, 13})});
  all.push_back({"two channels",
                 {.size = {8, 8, 8}},
                 test_networks({.in = 2, .features = 3, .outputs = 7}),
                 window_stay({9, 9, 9}),
                 2});
  all.push_back({"two dimensions, slice by slice",
                 {.size = {1, 8, 8}, .flips = {1, 2}},
                 flat,
                 window_stay({5, 17, 11})});
  all.push_back({"a picture", {.size = {1, 8, 8}}, flat, window_stay({1, 20, 30})});
  all.push_back({"finer than prepared",
                 {.size = {8, 8, 8}},
                 slim,
                 window_way({11, 12, 13}, {17, 30, 41}, {1, 2, 3}, {20, 40, 50})});
  all.push_back({"coarser than prepared",
                 {.size = {8, 8, 8}},
                 wide,
                 window_way({31, 26, 70}, {7, 9, 8}, {0, 0, 2}, {7, 12, 10})});
  all.push_back({"slices apart, axes swapped",
                 {.size = {4, 8, 8}},
                 slim,
                 window_way({9, 14, 12}, {5, 21, 20}, {2, 1, 0}, {8, 25, 20}, {2, 0, 1}, 0)});
  all.push_back({"axes reversed, middle apart",
                 {.size = {4, 8, 8}, .flips = {0}},
                 wide,
                 window_way({6, 14, 12}, {5, 9, 20}, {2, 1, 5}, {8, 25, 30}, {2, 1, 0}, 1)});
  all.push_back({"regions",
                 {.size = {8, 8, 8}, .labels = {.values = {2, 1, 3}, .regions = true}},
                 wide,
                 window_way({11, 12, 13}, {17, 12, 9}, {1, 2, 3}, {20, 14, 12})});
  all.push_back({"values beyond a byte",
                 {.size = {8, 8, 8}, .labels = {.values = {0, 300, 7}}},
                 wide,
                 window_stay({9, 9, 9})});
  all.push_back({"MONAI's places and weights",
                 {.size = {8, 8, 8},
                  .step = 0.75,
                  .places = WindowPlaces::fixed,
                  .blend = WindowBlend::floored},
                 wide,
                 window_stay({13, 9, 21})});
  all.push_back({"flat weights",
                 {.size = {8, 8, 8}, .step = 0.4, .blend = WindowBlend::flat},
                 slim,
                 window_stay({13, 9, 21})});
  all.push_back(
      {"large batches", {.size = {8, 8, 8}, .batch = 7}, slim, window_stay({25, 9, 13})});
  return all;
}

// Everything that a prediction hands out, put together on the input's grid.
struct WindowGot {
  WindowPrediction made;
  at::Tensor probabilities;  // [outputs, k, j, i] of the input; -1 where none came
};

inline WindowGot window_got(WindowCase const& one,
                            at::Tensor const& image,
                            std::int64_t outputs) {
  auto windows = one.windows;
  auto const& whole = one.back.grid.size;
  auto const probabilities = at::full({outputs, whole[2], whole[1], whole[0]}, -1.0F);
  windows.probabilities = [&](ProbabilityBlock const& block) {
    auto const& size = block.box.size;
    ASSERT_EQ(static_cast<std::int64_t>(block.values.size()), outputs * block.box.voxels());
    auto const to = naive_box(probabilities, block.box.first, size);
    ASSERT_TRUE(at::all(to == -1).item<bool>()) << "a voxel came twice";
    auto values = std::vector<float>(block.values.begin(), block.values.end());
    to.copy_(at::from_blob(values.data(), {outputs, size[0], size[1], size[2]}, at::kFloat));
  };
  return {predict_by_windows(one.networks, source_of(image), one.back, windows), probabilities};
}

// Blocks of 4 voxels with noise on them.
inline at::Tensor window_image(WindowCase const& one) {
  at::manual_seed(11);
  auto const& size = one.back.prepared;
  auto blocks = at::rand({one.channels, size[0] / 4 + 1, size[1] / 4 + 1, size[2] / 4 + 1});
  for (int axis = 1; axis < 4; ++axis) blocks = blocks.repeat_interleave(4, axis);
  auto const noise = at::rand({one.channels, size[0], size[1], size[2]});
  return (naive_box(blocks, {0, 0, 0}, size).sub(0.5).mul(8) + noise).contiguous();
}

}  // namespace fovea
