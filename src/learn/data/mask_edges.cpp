#include "base/core/error.hpp"
#include "base/geometry/same_grid.hpp"
#include "learn/data/mask_quality.hpp"

#include <cmath>

namespace fovea {
namespace {

constexpr int edges_near_outside = 3, edges_far_outside = 4;
constexpr int edges_near_inside = 3, edges_far_inside = 5;
constexpr std::size_t edges_enough = 20;  // voxels of a side

// Voxels of a mask by layers: marks_ holds 1 inside, 0 outside, and 2 where a layer has been.
class EdgeLayers {
 public:
  EdgeLayers(Volume const& labels, std::optional<std::int32_t> ignore)
      : size_(labels.grid().size), marks_(static_cast<std::size_t>(labels.voxels())) {
    with_type(labels.type(), [&](auto kind) {
      using T = decltype(kind);
      auto const voxels = labels.channel<T>(0);
      for (std::size_t at = 0; at < voxels.size(); ++at)
        marks_[at] =
            voxels[at] != T{0} && !(ignore && static_cast<double>(voxels[at]) == *ignore);
    });
  }

  // The first layer of one side: voxels of it with a neighbour of the other.
  std::vector<std::int64_t> surface(bool inside) const {
    std::vector<std::int64_t> out;
    std::uint8_t const own = inside ? 1 : 0;
    for (std::int64_t at = 0; at < static_cast<std::int64_t>(marks_.size()); ++at) {
      if (mark(at) != own) continue;
      auto touches = false;
      each_neighbour(at, [&](std::int64_t next) { touches = touches || mark(next) != own; });
      if (touches) out.push_back(at);
    }
    return out;
  }

  // The layer behind `layer` on the same side, which must not have been walked yet.
  std::vector<std::int64_t> behind(std::vector<std::int64_t> const& layer, bool inside) {
    std::uint8_t const own = inside ? 1 : 0;
    std::vector<std::int64_t> out;
    for (auto const at : layer) marks_[static_cast<std::size_t>(at)] = 2;
    for (auto const at : layer) {
      each_neighbour(at, [&](std::int64_t next) {
        if (mark(next) != own) return;
        marks_[static_cast<std::size_t>(next)] = 2;
        out.push_back(next);
      });
    }
    return out;
  }

 private:
  std::uint8_t mark(std::int64_t at) const { return marks_[static_cast<std::size_t>(at)]; }

  template <class Use>
  void each_neighbour(std::int64_t at, Use&& use) const {
    std::array<std::int64_t, 3> const place = {at % size_[0], at / size_[0] % size_[1],
                                               at / (size_[0] * size_[1])};
    std::int64_t step = 1;
    for (std::size_t axis = 0; axis < 3; ++axis) {
      if (place[axis] > 0) use(at - step);
      if (place[axis] + 1 < size_[axis]) use(at + step);
      step *= size_[axis];
    }
  }

  std::array<std::int64_t, 3> size_;
  std::vector<std::uint8_t> marks_;
};

// The length of the image's gradient, per mm; values that are no numbers make it 0.
template <class T>
double edges_gradient(std::span<T const> image, Grid const& grid, std::int64_t at) {
  auto const& size = grid.size;
  std::array<std::int64_t, 3> const place = {at % size[0], at / size[0] % size[1],
                                             at / (size[0] * size[1])};
  auto const spacing = grid.spacing().mm;
  std::int64_t step = 1;
  double sum = 0;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    auto const low = place[axis] > 0 ? at - step : at;
    auto const high = place[axis] + 1 < size[axis] ? at + step : at;
    if (high > low && spacing[axis] > 0) {
      auto const rise = static_cast<double>(image[static_cast<std::size_t>(high)]) -
                        static_cast<double>(image[static_cast<std::size_t>(low)]);
      auto const slope = rise / (spacing[axis] * static_cast<double>((high - low) / step));
      sum += slope * slope;
    }
    step *= size[axis];
  }
  return std::isfinite(sum) ? std::sqrt(sum) : 0;
}

// The mean gradient of one channel at some voxels.
double edges_mean(Volume const& image,
                  std::int64_t channel,
                  std::vector<std::int64_t> const& voxels) {
  return with_type(image.type(), [&](auto kind) {
    using T = decltype(kind);
    auto const values = image.channel<T>(channel);
    double sum = 0;
    for (auto const at : voxels) sum += edges_gradient<T>(values, image.grid(), at);
    return sum / static_cast<double>(voxels.size());
  });
}

struct EdgeShells {
  std::vector<std::int64_t> surface, inside, outside;

  std::optional<double> contrast(Volume const& image, std::int64_t channel) const {
    double around = 0;
    int sides = 0;
    for (auto const* side : {&inside, &outside}) {
      if (side->size() < edges_enough) continue;
      around += edges_mean(image, channel, *side);
      ++sides;
    }
    auto const here = edges_mean(image, channel, surface);
    if (sides == 0 || !(around > 0) || !(here > 0)) return std::nullopt;
    return std::log(here / (around / sides));
  }
};

}  // namespace

std::optional<double> edge_contrast(Volume const& image,
                                    Volume const& labels,
                                    std::optional<std::int32_t> ignore) {
  expect_same_places(image.grid(), labels.grid(), "the image and the labels");
  EdgeLayers layers{labels, ignore};
  EdgeShells shells;
  auto inner = layers.surface(true);
  auto outer = layers.surface(false);
  shells.surface = inner;
  shells.surface.insert(shells.surface.end(), outer.begin(), outer.end());
  if (shells.surface.size() < edges_enough) return std::nullopt;
  for (int layer = 2; layer <= edges_far_inside; ++layer) {
    inner = layers.behind(inner, true);
    if (layer >= edges_near_inside)
      shells.inside.insert(shells.inside.end(), inner.begin(), inner.end());
  }
  for (int layer = 2; layer <= edges_far_outside; ++layer) {
    outer = layers.behind(outer, false);
    if (layer >= edges_near_outside)
      shells.outside.insert(shells.outside.end(), outer.begin(), outer.end());
  }
  double sum = 0;
  std::int64_t channels = 0;
  for (std::int64_t channel = 0; channel < image.channels(); ++channel) {
    if (auto const contrast = shells.contrast(image, channel)) {
      sum += *contrast;
      ++channels;
    }
  }
  return channels == 0 ? std::nullopt : std::optional{sum / static_cast<double>(channels)};
}

}  // namespace fovea
