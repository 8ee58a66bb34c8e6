#include "base/core/error.hpp"
#include "base/core/pool.hpp"
#include "base/geometry/resize.hpp"
#include "learn/recipe/preprocess.hpp"

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

constexpr double resampling_aniso = 3;         // from here on an axis is far coarser
constexpr double resampling_as_coarse = 1e-5;  // spacings this near (relative) are the same

// The axis that is coarser than both others; none if two share that.
std::optional<std::size_t> resampling_coarsest(Spacing3 const& spacing) {
  auto const most = *std::max_element(spacing.begin(), spacing.end());
  std::optional<std::size_t> out;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    if (most / spacing[axis] > 1 + resampling_as_coarse) continue;
    if (out) return std::nullopt;
    out = axis;
  }
  return out;
}

bool resampling_is_aniso(Spacing3 const& spacing) {
  auto const [least, most] = std::minmax_element(spacing.begin(), spacing.end());
  return *most / *least > resampling_aniso;
}

// k, j, i -> i, j, k
template <class T>
std::array<T, 3> resampling_turned(std::array<T, 3> const& of) {
  return {of[2], of[1], of[0]};
}

// Holds what a spline overshoots in the range of the input: of a slice along `z`, or of all.
void resampling_hold(Volume const& in, Volume& out, std::optional<std::size_t> z, int threads) {
  auto const axis = z ? 2 - *z : 2;  // of i, j, k
  auto const slices = z ? in.grid().size[axis] : 1;
  auto const for_each = [&](Volume const& of, std::int64_t slice, auto const& use) {
    if (!z) return use(0, of.voxels());
    // Runs of voxels that follow one another, `step` apart.
    auto const size = of.grid().size;
    auto const run = axis == 0 ? 1 : axis == 1 ? size[0] : size[0] * size[1];
    auto const step = run * size[axis];
    for (std::int64_t at = slice * run; at < of.voxels(); at += step) use(at, at + run);
  };
  in_parallel(in.channels() * slices, threads, [&](std::int64_t task) {
    auto const channel = task / slices;
    auto const slice = task % slices;
    auto* const to = out.write_channel<float>(channel).data();
    auto const* const from = in.channel<float>(channel).data();
    auto low = std::numeric_limits<float>::max();
    auto high = std::numeric_limits<float>::lowest();
    for_each(in, slice, [&](std::int64_t begin, std::int64_t end) {
      for (auto n = begin; n < end; ++n) {
        low = std::min(low, from[n]);
        high = std::max(high, from[n]);
      }
    });
    for_each(out, slice, [&](std::int64_t begin, std::int64_t end) {
      for (auto n = begin; n < end; ++n) to[n] = std::min(std::max(to[n], low), high);
    });
  });
}

}  // namespace

ResamplingAxes resampling_axes(ResamplingRule const& rule,
                               Spacing3 const& from,
                               Spacing3 const& to) {
  ResamplingAxes out;
  out.order.fill(rule.order);
  if (rule.separate_z)
    out.z = *rule.separate_z ? resampling_coarsest(from) : std::nullopt;
  else if (resampling_is_aniso(from))
    out.z = resampling_coarsest(from);
  else if (resampling_is_aniso(to))
    out.z = resampling_coarsest(to);
  if (out.z) out.order[*out.z] = rule.order_z;
  return out;
}

ResamplingAxes back_axes(Placement const& placement, RecipeConfig const& config) {
  return resampling_axes(config.logits, placement.target, placement.spacing);
}

Volume resampled(Volume const& image,
                 Shape3 const& shape,
                 ResamplingAxes const& axes,
                 int threads) {
  auto const from = shape_of(image.grid());
  auto now = as_float(image);
  if (shape == from) return now;
  auto first = shape;
  if (axes.z) first[*axes.z] = from[*axes.z];
  auto const order = resampling_turned(axes.order);
  if (first != from) {
    auto next = resize(now, resampling_turned(first), {order, threads});
    if (*std::max_element(order.begin(), order.end()) > 1)
      resampling_hold(now, next, axes.z, threads);
    now = next;
  }
  // What a far coarser axis adds is not held in any range, as nnU-Net leaves it.
  return first == shape ? now : resize(now, resampling_turned(shape), {order, threads});
}

Volume resampled_labels(Volume const& labels,
                        Shape3 const& shape,
                        ResamplingAxes const& axes,
                        int threads) {
  if (shape == shape_of(labels.grid())) return labels;
  return resize_labels(labels, resampling_turned(shape),
                       {resampling_turned(axes.order), threads});
}

}  // namespace fovea
