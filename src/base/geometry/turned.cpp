#include "base/geometry/turned.hpp"

#include "base/geometry/rounded.hpp"
#include "base/geometry/separable.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace fovea {
namespace {

constexpr std::int64_t turned_least = 16;  // voxels along an axis that is not cut any more

bool turned_prepares(Turned const& how, Resample const& options) {
  return options.interpolator == Interpolator::cubic ||
         std::ranges::any_of(how.sigma, [](double sigma) { return sigma > 0; });
}

// Voxels beyond the two around a place that its value is made of.
std::int64_t turned_spread(Resample const& options) {
  switch (options.interpolator) {
    case Interpolator::cubic:
      return 1;
    case Interpolator::lanczos:
    case Interpolator::hamming:
      return options.radius - 1;
    case Interpolator::nearest:
    case Interpolator::linear:
    case Interpolator::label_linear:
      break;
  }
  return 0;
}

struct TurnedBands {
  Separable plan;
  IndexBox source;  // what the bands take
};

TurnedBands turned_bands(IndexBox const& need,
                         std::array<std::int64_t, 3> const& whole,
                         Turned const& how,
                         Resample const& options) {
  TurnedBands out;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    auto const prepared =
        band_prepared(need.first[axis], need.size[axis], whole[axis], options, how.sigma[axis]);
    out.source.first[axis] = prepared.from;
    out.source.size[axis] = prepared.band.voxels;
    out.plan.bands[axis] = prepared.band;
  }
  return out;
}

double turned_voxels(IndexBox const& box) {
  double all = 1;
  for (auto const along : box.size) all *= static_cast<double>(along);
  return all;
}

void turned_outside(IndexBox const& box, double outside, Volume& out) {
  with_type(out.type(), [&](auto zero) {
    using T = decltype(zero);
    for (std::int64_t channel = 0; channel < out.channels(); ++channel) {
      auto* const to = out.write_channel<T>(channel).data() + box.first[0];
      for (auto k = box.first[2]; k < box.first[2] + box.size[2]; ++k) {
        for (auto j = box.first[1]; j < box.first[1] + box.size[1]; ++j)
          std::fill_n(to + (k * out.height() + j) * out.width(), box.size[0],
                      rounded_to<T>(outside));
      }
    }
  });
}

// Halves of a box, across the axis along which it is longest.
std::array<IndexBox, 2> turned_halves(IndexBox const& box) {
  auto const axis =
      static_cast<std::size_t>(std::ranges::max_element(box.size) - box.size.begin());
  auto lower = box;
  auto upper = box;
  lower.size[axis] = box.size[axis] / 2;
  upper.first[axis] += lower.size[axis];
  upper.size[axis] -= lower.size[axis];
  return {lower, upper};
}

// The box of voxels that values at places of this range are made of; `spread` voxels more than
// the two around a place. Size 0: none of these places is inside.
IndexBox turned_need(std::array<std::array<double, 2>, 3> const& range,
                     std::array<std::int64_t, 3> const& whole,
                     std::int64_t spread) {
  IndexBox out;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    auto const last = static_cast<double>(whole[axis] - 1);
    // A little more: places are rounded.
    constexpr auto rounding = 1e-6;
    auto const [low, high] = range[axis];
    if (!(low - rounding < last + 0.5) || !(high + rounding >= -0.5)) return {};
    auto const before = std::max(last - 1, 0.0);
    auto const from = std::clamp(std::floor(low - rounding), 0.0, before);
    auto const to = std::clamp(std::floor(high + rounding) + 1, std::min(1.0, last), last);
    auto const more = static_cast<double>(spread);
    // Mirrored at an edge, what is `spread` beyond it lies as far inside.
    auto const first = from - more <= 0 ? 0.0 : from - more;
    auto const end = to + more >= last ? last : to + more;
    auto const near = std::min(first, std::max(last - more - 1, 0.0));
    out.first[axis] = static_cast<std::int64_t>(near);
    out.size[axis] =
        static_cast<std::int64_t>(std::max(end, std::min(more + 1, last)) - near) + 1;
  }
  return out;
}

}  // namespace

void expect_valid(Resample const& options) {
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

std::array<std::array<double, 2>, 3> reach_of(IndexMap const& map, IndexBox const& box) {
  std::array<std::array<double, 2>, 3> out{};
  for (std::size_t row = 0; row < 3; ++row) {
    auto& [low, high] = out[row];
    low = high = map.offset[row];
    for (std::size_t axis = 0; axis < 3; ++axis) {
      auto const near = map.matrix[row][axis] * static_cast<double>(box.first[axis]);
      auto const far =
          map.matrix[row][axis] * static_cast<double>(box.first[axis] + box.size[axis] - 1);
      low += std::min(near, far);
      high += std::max(near, far);
    }
  }
  return out;
}

std::uint64_t resample_memory(Resample const& options,
                              std::uint64_t in_bytes,
                              std::uint64_t out_bytes) {
  constexpr std::uint64_t least = 16U << 20;
  return options.memory > 0 ? options.memory : std::max(least, (in_bytes + out_bytes) / 4);
}

void run_turned(ReadPart const& read,
                bool reads,
                std::array<std::int64_t, 3> const& whole,
                Type type,
                Turned const& how,
                Resample const& options,
                std::uint64_t memory,
                IndexBox const& box,
                Volume& out,
                int threads) {
  auto const prepares = turned_prepares(how, options);
  auto const held = fits_float(type) ? Type::f32 : Type::f64;
  auto const channels = static_cast<double>(out.channels());
  std::vector<IndexBox> todo{box};
  while (!todo.empty()) {
    auto const part = todo.back();
    todo.pop_back();
    auto const need = turned_need(how.reach(part), whole, turned_spread(options));
    if (need.size[0] == 0) {
      turned_outside(part, options.outside, out);
      continue;
    }
    auto const small = std::ranges::all_of(part.size, [](auto n) { return n <= turned_least; });
    double bytes = prepares ? turned_voxels(need) * static_cast<double>(bytes_of(held)) : 0;
    auto const too_much = [&] {
      return !small && bytes * channels > static_cast<double>(memory);
    };
    TurnedBands bands{.plan = {}, .source = need};
    if (!too_much() && prepares) bands = turned_bands(need, whole, how, options);
    if (reads) bytes += turned_voxels(bands.source) * static_cast<double>(bytes_of(type));
    if (too_much()) {
      auto const [lower, upper] = turned_halves(part);
      todo.push_back(upper);
      todo.push_back(lower);
      continue;
    }
    auto source = read(bands.source);
    if (!prepares) {
      run_sampler(source, how.places_of, options, part, out, threads);
      continue;
    }
    for (std::size_t axis = 0; axis < 3; ++axis)
      bands.plan.corner[axis] = bands.source.first[axis] - source.first[axis];
    auto grid = source.voxels.grid();
    grid.size = need.size;
    Volume prepared{grid, held, source.voxels.unit(), source.voxels.channels()};
    run_separable(source.voxels, bands.plan, 0, prepared, threads);
    run_sampler({prepared, need.first, whole}, how.places_of, options, part, out, threads);
  }
}

}  // namespace fovea
