#include "learn/segment/roi.hpp"

#include "base/core/words.hpp"
#include "base/geometry/components.hpp"

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

constexpr double roi_margin_mm = 20;
constexpr std::size_t roi_most_boxes = 32;

using RoiAxes = std::array<std::int64_t, 3>;  // k, j, i

// A volume of cells as wide as the margin: 1 where a voxel of theirs is marked.
Volume roi_cells(Volume const& labels, RoiAxes const& edge) {
  auto const cells = [&](std::int64_t voxels, std::size_t a) {
    return (voxels + edge[a] - 1) / edge[a];
  };
  Volume out{
      upright({cells(labels.width(), 2), cells(labels.height(), 1), cells(labels.depth(), 0)},
              {}),
      Type::u8};
  auto const marked = out.write<std::uint8_t>();
  with_type(labels.type(), [&](auto zero) {
    auto const values = labels.as<decltype(zero)>();
    std::size_t n = 0;
    for (std::int64_t k = 0; k < labels.depth(); ++k) {
      for (std::int64_t j = 0; j < labels.height(); ++j) {
        auto const row = (k / edge[0] * out.height() + j / edge[1]) * out.width();
        for (std::int64_t i = 0; i < labels.width(); ++i, ++n) {
          if (values[n] != 0) marked[static_cast<std::size_t>(row + i / edge[2])] = 1;
        }
      }
    }
  });
  return out;
}

// And where one beside it is.
Volume roi_wider(Volume const& cells) {
  Volume out{cells.grid(), Type::u8};
  auto const from = cells.as<std::uint8_t>();
  auto const into = out.write<std::uint8_t>();
  auto const at = [&](std::int64_t k, std::int64_t j, std::int64_t i) {
    return static_cast<std::size_t>((k * cells.height() + j) * cells.width() + i);
  };
  auto const beside = [](std::int64_t n, std::int64_t size) {
    return std::pair{std::max<std::int64_t>(n - 1, 0), std::min(n + 2, size)};
  };
  for (std::int64_t k = 0; k < cells.depth(); ++k) {
    for (std::int64_t j = 0; j < cells.height(); ++j) {
      for (std::int64_t i = 0; i < cells.width(); ++i) {
        if (from[at(k, j, i)] == 0) continue;
        auto const [k0, k1] = beside(k, cells.depth());
        auto const [j0, j1] = beside(j, cells.height());
        auto const [i0, i1] = beside(i, cells.width());
        for (auto z = k0; z < k1; ++z)
          for (auto y = j0; y < j1; ++y)
            for (auto x = i0; x < i1; ++x) into[at(z, y, x)] = 1;
      }
    }
  }
  return out;
}

WindowBox roi_around(std::vector<WindowBox> const& boxes) {
  auto around = boxes.front();
  for (auto const& box : boxes) {
    for (std::size_t a = 0; a < 3; ++a) {
      auto const end = std::max(around.first[a] + around.size[a], box.first[a] + box.size[a]);
      around.first[a] = std::min(around.first[a], box.first[a]);
      around.size[a] = end - around.first[a];
    }
  }
  return around;
}

}  // namespace

std::vector<WindowBox> boxes_of_interest(Volume const& labels, double margin) {
  if (!(margin > 0))
    throw Error{Fault::usage, text("expected a margin above 0 mm, got ", spelled(margin)),
                "say how far a coarse look may be off"};
  RoiAxes const size{labels.depth(), labels.height(), labels.width()};
  auto const spacing = spacing_of(labels.grid());
  RoiAxes edge{};
  for (std::size_t a = 0; a < 3; ++a)
    edge[a] = static_cast<std::int64_t>(
        std::clamp(std::ceil(margin / spacing[a]), 1.0, static_cast<double>(size[a])));
  std::vector<WindowBox> boxes;
  for (auto const& part : component_list(roi_wider(roi_cells(labels, edge)))) {
    auto& box = boxes.emplace_back();
    for (std::size_t a = 0; a < 3; ++a) {
      box.first[a] = part.box.first[2 - a] * edge[a];
      box.size[a] = std::min(part.box.size[2 - a] * edge[a], size[a] - box.first[a]);
    }
  }
  if (boxes.size() > roi_most_boxes) boxes = {roi_around(boxes)};
  return boxes;
}

std::vector<WindowBox> regions_of_interest(Model const& model,
                                           SegmentContract contract,
                                           Volume const& image,
                                           SegmentAsk const& ask) {
  contract.flips.clear();
  contract.step = 1;
  auto coarse = ask;
  coarse.uncertainty = false;
  coarse.cleanup = false;
  coarse.within.clear();
  coarse.probabilities = {};
  return boxes_of_interest(segmented(model, contract, image, coarse).labels, roi_margin_mm);
}

}  // namespace fovea
