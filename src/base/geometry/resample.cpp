#include "base/geometry/resample.hpp"

#include "base/core/pool.hpp"
#include "base/geometry/pick.hpp"
#include "base/geometry/resample_slabs.hpp"
#include "base/geometry/separable.hpp"
#include "base/geometry/turned.hpp"

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

std::vector<double> resample_places(double first,
                                    double step,
                                    std::int64_t begin,
                                    std::int64_t count) {
  std::vector<double> places(static_cast<std::size_t>(count));
  for (std::int64_t x = 0; x < count; ++x)
    places[static_cast<std::size_t>(x)] =
        snapped(first + step * static_cast<double>(begin + x));
  return places;
}

// What is resampled, but for its voxels.
struct ResampleWork {
  Resample const& options;
  std::array<std::int64_t, 3> whole;  // size of the input
  Type type;                          // of the input
  IndexMap map;                       // from the output's array to the input's
  std::optional<ResampleAxes> axes;
  int threads;
};

ResampleWork resample_work(Grid const& from,
                           Type type,
                           Grid const& onto,
                           Resample const& options) {
  expect_valid(options);
  index_map(from, onto);
  auto const map = index_map(onto, from);
  ResampleWork work{options,
                    from.size,
                    type,
                    map,
                    resample_axes(map, onto),
                    options.threads > 0 ? options.threads : usable_cores()};
  if (options.interpolator == Interpolator::label_linear) work.axes.reset();
  return work;
}

std::vector<std::int64_t> resample_nearest(std::vector<double> const& places,
                                           std::int64_t voxels) {
  std::vector<std::int64_t> out;
  for (auto const place : places)
    out.push_back(is_inside(place, voxels) ? static_cast<std::int64_t>(std::floor(place + 0.5))
                                           : -1);
  return out;
}

// How slices from `slice` on are made of voxels whose axes run as theirs.
struct ResampleParallel {
  Pick copies;
  Separable plan;
  IndexBox need;  // the box of the input that they take
};

ResampleParallel resample_plan(ResampleWork const& work,
                               std::array<std::int64_t, 3> const& size,
                               std::int64_t slice) {
  auto const nearest = work.options.interpolator == Interpolator::nearest;
  ResampleParallel out;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    auto const [from, step] = (*work.axes)[axis];
    out.copies.from[axis] = out.plan.from[axis] = from;
    auto const voxels = work.whole[from];
    auto const begin = axis == 2 ? slice : 0;
    auto const places = resample_places(work.map.offset[from], step, begin, size[axis]);
    auto first = voxels;
    auto end = std::int64_t{0};
    if (nearest) {
      out.copies.at[axis] = resample_nearest(places, voxels);
      for (auto const at : out.copies.at[axis]) {
        first = at < 0 ? first : std::min(first, at);
        end = std::max(end, at + 1);
      }
    } else {
      auto const& band = out.plan.bands[axis] =
          band_of(places, voxels, work.options, resample_sigma(work.map, from, work.options));
      for (std::size_t x = 0; x < band.first.size(); ++x) {
        if (band.count[x] == 0) continue;
        first = std::min(first, band.first[x]);
        end = std::max(end, band.first[x] + band.count[x]);
      }
    }
    // Where nothing is inside, one voxel is read all the same.
    out.need.first[from] = std::min(first, voxels - 1);
    out.need.size[from] = std::max<std::int64_t>(end - out.need.first[from], 1);
  }
  return out;
}

void resample_parallel(VolumePart const& part,
                       ResampleWork const& work,
                       ResampleParallel how,
                       Volume& out) {
  for (std::size_t axis = 0; axis < 3; ++axis) {
    auto const from = how.plan.from[axis];
    auto const first = part.first[from];
    for (auto& at : how.copies.at[axis]) at -= at < 0 ? 0 : first;
    auto& band = how.plan.bands[axis];
    for (std::size_t x = 0; x < band.first.size(); ++x)
      band.first[x] -= band.count[x] > 0 ? first : 0;
    band.voxels = part.voxels.grid().size[from];
  }
  if (work.options.interpolator == Interpolator::nearest)
    return pick(part.voxels, how.copies, work.options.outside, out, work.threads);
  run_separable(part.voxels, how.plan, work.options.outside, out, work.threads);
}

Turned resample_turned(ResampleWork const& work, std::int64_t slice) {
  auto const& map = work.map;
  Turned how;
  how.places_of = [&map, slice](std::int64_t i0, std::int64_t n, std::int64_t j, std::int64_t k,
                                Places places) {
    auto const start = map({{0, static_cast<double>(j), static_cast<double>(k + slice)}}).ijk;
    std::array const rows{places.i, places.j, places.k};
    for (std::size_t axis = 0; axis < 3; ++axis) {
      for (std::int64_t x = 0; x < n; ++x)
        rows[axis][x] = start[axis] + map.matrix[axis][0] * static_cast<double>(i0 + x);
    }
  };
  how.reach = [&map, slice](IndexBox box) {
    box.first[2] += slice;
    return reach_of(map, box);
  };
  for (std::size_t axis = 0; axis < 3; ++axis)
    how.sigma[axis] = resample_sigma(map, axis, work.options);
  return how;
}

void resample_turning(ReadPart const& read,
                      bool reads,
                      ResampleWork const& work,
                      std::uint64_t memory,
                      std::int64_t slice,
                      Volume& out) {
  run_turned(read, reads, work.whole, work.type, resample_turned(work, slice), work.options,
             memory, {{}, out.grid().size}, out, work.threads);
}

// So many slices of a grid, from `slice` on.
Grid resample_slab(Grid const& onto, std::int64_t slice, std::int64_t slices) {
  auto out = onto;
  out.size[2] = slices;
  out.origin = onto.point_of({{0, 0, static_cast<double>(slice)}});
  return out;
}

std::uint64_t resample_bytes(std::array<std::int64_t, 3> const& size,
                             std::int64_t channels,
                             Type type) {
  return static_cast<std::uint64_t>(size[0] * size[1] * size[2] * channels) * bytes_of(type);
}

}  // namespace

Volume resample(Volume const& volume, Grid const& onto, Resample const& options) {
  auto const work = resample_work(volume.grid(), volume.type(), onto, options);
  Volume out{onto, options.as_f32 ? Type::f32 : volume.type(), volume.unit(),
             volume.channels()};
  VolumePart const whole{volume, {}, volume.grid().size};
  if (work.axes)
    resample_parallel(whole, work, resample_plan(work, onto.size, 0), out);
  else
    resample_turning([&](IndexBox const&) { return whole; }, false, work,
                     resample_memory(options, volume.byte_count(), out.byte_count()), 0, out);
  return out;
}

void resample_slabs(VolumeParts const& parts,
                    Grid const& onto,
                    Resample const& options,
                    TakeSlab const& take) {
  auto const work = resample_work(parts.grid, parts.type, onto, options);
  auto const type = options.as_f32 ? Type::f32 : parts.type;
  constexpr std::uint64_t usual = 256U << 20;
  auto const memory = options.memory > 0 ? options.memory : usual;
  auto const slice_bytes =
      resample_bytes({onto.size[0], onto.size[1], 1}, parts.channels, type);
  auto const room = static_cast<std::int64_t>(memory / 2 / slice_bytes);
  for (std::int64_t k = 0; k < onto.size[2];) {
    auto slices = std::clamp<std::int64_t>(room, 1, onto.size[2] - k);
    std::optional<ResampleParallel> how;
    while (work.axes) {
      how = resample_plan(work, {onto.size[0], onto.size[1], slices}, k);
      auto const held = resample_bytes(how->need.size, parts.channels, parts.type) +
                        slice_bytes * static_cast<std::uint64_t>(slices);
      if (slices == 1 || held <= memory) break;
      slices /= 2;
    }
    Volume slab{resample_slab(onto, k, slices), type, parts.unit, parts.channels};
    if (how)
      resample_parallel(parts.read(how->need), work, std::move(*how), slab);
    else
      resample_turning(parts.read, true, work, memory - std::min(memory - 1, slab.byte_count()),
                       k, slab);
    take(slab, k);
    k += slices;
  }
}

}  // namespace fovea
