#pragma once

#include "learn/nn/segmenter.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

namespace fovea {

// For tests: every network for segmentation, narrow.

// A narrow one, so that all of them take seconds.
inline SegmentDraw segmenter_draw(SegmenterRow const& row, int dimensions) {
  SegmentDraw draw{.in = 2, .out = 3, .dimensions = dimensions};
  draw.dropout = 0;  // which leaves out others in other layouts
  draw.deep_supervision = row.deep_supervision;
  draw.width = 12;
  if (row.levels == nullptr) return draw;
  draw.levels = row.levels(dimensions);
  draw.levels.resize(3);
  std::int64_t features = 8;
  for (auto& level : draw.levels) {
    level.features = features;
    level.blocks = std::min<std::int64_t>(level.blocks, 2);
    features *= 2;
  }
  return draw;
}

// At least 16 voxels along an axis, so that instance norms at the bottom have values; axes
// differ where that is cheap.
inline std::vector<std::int64_t> segmenter_shape(Graph const& graph, std::int64_t times = 1) {
  std::vector<std::int64_t> shape{2, 2};
  if (size_steps(graph) == std::vector<std::int64_t>{32, 32, 32}) shape[0] = 1;
  for (auto const step : size_steps(graph)) {
    auto const least = (16 + step - 1) / step;
    auto const last = shape.size() == size_steps(graph).size() + 1;
    shape.push_back(step * (shape.size() == 2   ? std::max(times, least)
                            : last && step < 16 ? least + 1
                                                : least));
  }
  return shape;
}

inline void each_segmenter(
    std::function<void(SegmenterRow const&, SegmentDraw const&)> const& check) {
  for (auto const& row : segmenters()) {
    for (int dimensions = 2; dimensions <= (row.volumes ? 3 : 2); ++dimensions) {
      SCOPED_TRACE(testing::Message() << row.name << " of " << dimensions << " dimensions");
      check(row, segmenter_draw(row, dimensions));
    }
  }
}

}  // namespace fovea
