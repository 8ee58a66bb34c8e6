#include "base/geometry/resample.hpp"

#include "base/core/pool.hpp"
#include "base/geometry/pick.hpp"
#include "base/geometry/sampler.hpp"
#include "base/geometry/separable.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>
#include <vector>

namespace fovea {
namespace {

// How far a place may be off when an axis is taken as parallel: NIfTI's float affines are up to
// 3e-5 voxel off over 512.
constexpr double resample_off = 1e-4;

struct ResampleAxis {
  std::size_t from = 0;  // the input's axis
  double step = 0;       // voxels of the input
};
using ResampleAxes = std::array<ResampleAxis, 3>;

// Which axis of the input each of the output's runs along, if each runs along one.
std::optional<ResampleAxes> resample_axes(IndexMap const& map, Grid const& onto) {
  ResampleAxes axes;
  std::array<bool, 3> taken{};
  std::array<double, 3> off{};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    auto const along = [&](std::size_t row) { return std::abs(map.matrix[row][axis]); };
    auto& from = axes[axis].from;
    for (std::size_t row = 1; row < 3; ++row) from = along(row) > along(from) ? row : from;
    axes[axis].step = map.matrix[from][axis];
    if (taken[from]) return std::nullopt;
    taken[from] = true;
    for (std::size_t row = 0; row < 3; ++row) {
      if (row != from) off[row] += along(row) * static_cast<double>(onto.size[axis] - 1);
    }
  }
  auto const parallel = std::ranges::all_of(off, [](double at) { return at < resample_off; });
  return parallel ? std::optional{axes} : std::nullopt;
}

bool resample_copies(Interpolator interpolator) {
  return interpolator == Interpolator::nearest || interpolator == Interpolator::label_linear;
}

// The Gaussian along an axis of the input, voxels; 0 where the output is not coarser.
double resample_sigma(IndexMap const& map, std::size_t axis, Resample const& options) {
  if (!options.smooth || resample_copies(options.interpolator)) return 0;
  double square = 0;
  for (auto const step : map.matrix[axis]) square += step * step;
  return square > 1 + 1e-6 ? std::sqrt((square - 1) / (8 * std::numbers::ln2)) : 0;
}

std::vector<double> resample_places(double first, double step, std::int64_t count) {
  std::vector<double> places(static_cast<std::size_t>(count));
  for (std::int64_t x = 0; x < count; ++x)
    places[static_cast<std::size_t>(x)] = snapped(first + step * static_cast<double>(x));
  return places;
}

void resample_expect(Resample const& options) {
  constexpr int widest = 8;
  if (options.radius < 1 || options.radius > widest)
    throw Error{Fault::usage,
                text("expected a radius of 1 to ", widest, " voxels, got ", options.radius),
                "4 is enough for most"};
  if (options.threads < 0)
    throw Error{Fault::usage, text("expected 0 or more threads, got ", options.threads),
                "0 means all usable cores"};
  if (!std::isfinite(options.outside))
    throw Error{Fault::usage, text("expected a number for outside, got ", options.outside),
                "choose one, air for instance"};
}

void resample_parallel(Volume const& in,
                       IndexMap const& map,
                       ResampleAxes const& axes,
                       Resample const& options,
                       Volume& out,
                       int threads) {
  Pick copies;
  Separable plan;
  auto const nearest = options.interpolator == Interpolator::nearest;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    auto const [from, step] = axes[axis];
    copies.from[axis] = plan.from[axis] = from;
    auto const voxels = in.grid().size[from];
    auto const places = resample_places(map.offset[from], step, out.grid().size[axis]);
    if (nearest) {
      for (auto const place : places)
        copies.at[axis].push_back(
            is_inside(place, voxels) ? static_cast<std::int64_t>(std::floor(place + 0.5)) : -1);
    } else {
      plan.bands[axis] = band_of(places, voxels, options, resample_sigma(map, from, options));
    }
  }
  if (nearest) return pick(in, copies, options.outside, out, threads);
  run_separable(in, plan, options.outside, out, threads);
}

// On its own grid, as wide as the output's voxels.
Volume resample_smoothed(Volume const& in,
                         IndexMap const& map,
                         Resample const& options,
                         int threads) {
  Separable plan;
  double most = 0;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    auto const sigma = resample_sigma(map, axis, options);
    plan.bands[axis] = band_of(resample_places(0, 1, in.grid().size[axis]),
                               in.grid().size[axis], options, sigma);
    most = std::max(most, sigma);
  }
  if (most == 0) return in;
  Volume out{in.grid(), fits_float(in.type()) ? Type::f32 : Type::f64, in.unit(),
             in.channels()};
  run_separable(in, plan, 0, out, threads);
  return out;
}

void resample_turned(
    Volume const& in, IndexMap const& map, Resample const& options, Volume& out, int threads) {
  auto const places_of = [&](std::int64_t j, std::int64_t k, Places places) {
    auto const start = map({{0, static_cast<double>(j), static_cast<double>(k)}}).ijk;
    std::array const rows{places.i, places.j, places.k};
    for (std::size_t axis = 0; axis < 3; ++axis) {
      for (std::int64_t i = 0; i < out.width(); ++i)
        rows[axis][i] = start[axis] + map.matrix[axis][0] * static_cast<double>(i);
    }
  };
  run_sampler(resample_smoothed(in, map, options, threads), places_of, options, out, threads);
}

}  // namespace

Volume resample(Volume const& volume, Grid const& onto, Resample const& options) {
  resample_expect(options);
  index_map(volume.grid(), onto);
  auto const map = index_map(onto, volume.grid());
  Volume out{onto, options.as_f32 ? Type::f32 : volume.type(), volume.unit(),
             volume.channels()};
  auto const threads = options.threads > 0 ? options.threads : usable_cores();
  auto const axes = resample_axes(map, onto);
  if (axes && options.interpolator != Interpolator::label_linear) {
    resample_parallel(volume, map, *axes, options, out, threads);
  } else {
    resample_turned(volume, map, options, out, threads);
  }
  return out;
}

}  // namespace fovea
