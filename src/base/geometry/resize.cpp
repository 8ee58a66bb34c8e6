#include "base/geometry/resize.hpp"

#include "base/core/error.hpp"
#include "base/core/pool.hpp"
#include "base/geometry/band.hpp"
#include "base/geometry/grids.hpp"
#include "base/geometry/separable.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <vector>

namespace fovea {
namespace {

void resize_check(ResizeWith const& options, int most) {
  for (auto const order : options.order) {
    if (order == 0 || order == 1 || (order == 3 && most == 3)) continue;
    throw Error{
        Fault::usage,
        text("expected a spline of order 0", most == 3 ? ", 1 or 3" : " or 1", ", got ", order),
        "give another order"};
  }
}

int resize_threads(ResizeWith const& options) {
  return options.threads > 0 ? options.threads : usable_cores();
}

// --- labels

// Where a place along an axis lies: between two voxels, and which of them is nearest.
struct ResizeBetween {
  std::int64_t low, high, near;
  double below, above;  // weights of both
};

std::vector<ResizeBetween> resize_between(std::int64_t voxels, std::int64_t places, int order) {
  std::vector<ResizeBetween> out;
  auto const held = [&](std::int64_t at) {
    return std::clamp<std::int64_t>(at, 0, voxels - 1);
  };
  for (std::int64_t x = 0; x < places; ++x) {
    auto const place = resized_place(x, voxels, places);
    auto const near = held(static_cast<std::int64_t>(std::floor(place + 0.5)));
    if (order == 0) {
      out.push_back({near, near, near, 1, 0});
      continue;
    }
    // Beyond the edge both are the outermost voxel; their weights are rounded all the same.
    auto const low = std::floor(place);
    auto const below = 1 - (place - low);
    auto const first = static_cast<std::int64_t>(low);
    out.push_back({held(first), held(first + 1), near, below, 1 - below});
  }
  return out;
}

using ResizeTables = std::array<std::vector<ResizeBetween>, 3>;

// The label of one place. Weights are multiplied and added in scipy's order (k, j, i; the first
// axis outermost), because ties are decided by equality of the sums.
template <class T>
T resize_vote(std::array<T, 8> const& corner,
              ResizeBetween const& i,
              ResizeBetween const& j,
              ResizeBetween const& k,
              T near) {
  std::array<T, 8> label{};
  std::array<double, 8> sum{};
  std::size_t labels = 0;
  for (std::size_t n = 0; n < 8; ++n) {
    auto const weight =
        (n & 4 ? k.above : k.below) * (n & 2 ? j.above : j.below) * (n & 1 ? i.above : i.below);
    std::size_t at = 0;
    while (at < labels && label[at] != corner[n]) ++at;
    if (at == labels) label[labels++] = corner[n];
    sum[at] += weight;
  }
  std::size_t best = 0;
  for (std::size_t at = 1; at < labels; ++at) {
    if (sum[at] > sum[best] || (sum[at] == sum[best] && label[at] < label[best])) best = at;
  }
  for (std::size_t at = 0; at < labels; ++at) {
    if (label[at] == near && sum[at] == sum[best]) return near;
  }
  return label[best];
}

template <class T>
void resize_label_row(
    Volume const& in, ResizeTables const& tables, std::int64_t j, std::int64_t k, T* out) {
  auto const& across = tables[1][static_cast<std::size_t>(j)];
  auto const& deep = tables[2][static_cast<std::size_t>(k)];
  auto const* const voxels = in.as<T>().data();
  auto const row = [&](std::int64_t at_k, std::int64_t at_j) {
    return voxels + (at_k * in.height() + at_j) * in.width();
  };
  std::array<T const*, 4> const rows{row(deep.low, across.low), row(deep.low, across.high),
                                     row(deep.high, across.low), row(deep.high, across.high)};
  auto const* const nearest = row(deep.near, across.near);
  for (auto const& at : tables[0]) {
    std::array<T, 8> corner;
    bool same = true;
    for (std::size_t n = 0; n < 4; ++n) {
      corner[2 * n] = rows[n][at.low];
      corner[2 * n + 1] = rows[n][at.high];
      same = same && corner[2 * n] == corner[0] && corner[2 * n + 1] == corner[0];
    }
    *out++ = same ? corner[0] : resize_vote(corner, at, across, deep, nearest[at.near]);
  }
}

}  // namespace

Volume resize(Volume const& volume,
              std::array<std::int64_t, 3> size,
              ResizeWith const& options) {
  resize_check(options, 3);
  Volume out{with_size(volume.grid(), size), Type::f32, volume.unit(), volume.channels()};
  Separable plan;
  for (std::size_t axis = 0; axis < 3; ++axis)
    plan.bands[axis] = band_resized(volume.grid().size[axis], size[axis], options.order[axis]);
  run_separable(volume, plan, 0, out, resize_threads(options));
  return out;
}

Volume resize_labels(Volume const& labels,
                     std::array<std::int64_t, 3> size,
                     ResizeWith const& options) {
  resize_check(options, 1);
  if (labels.channels() != 1 || labels.type() == Type::f32 || labels.type() == Type::f64)
    throw Error{Fault::input,
                text("expected labels in one channel of whole numbers, got ", labels.channels(),
                     " of ", name_of(labels.type())),
                "convert them first"};
  Volume out{with_size(labels.grid(), size), labels.type(), labels.unit()};
  ResizeTables tables;
  for (std::size_t axis = 0; axis < 3; ++axis)
    tables[axis] = resize_between(labels.grid().size[axis], size[axis], options.order[axis]);
  with_type(labels.type(), [&](auto value) {
    using T = decltype(value);
    if constexpr (!std::is_floating_point_v<T>) {
      constexpr std::int64_t rows = 32;
      auto const blocks = (size[1] + rows - 1) / rows;
      auto* const voxels = out.write<T>().data();
      in_parallel(blocks * size[2], resize_threads(options), [&](std::int64_t task) {
        auto const k = task / blocks;
        auto const first = task % blocks * rows;
        for (auto j = first; j < std::min(first + rows, size[1]); ++j)
          resize_label_row<T>(labels, tables, j, k, voxels + (k * size[1] + j) * size[0]);
      });
    }
  });
  return out;
}

}  // namespace fovea
