#include "base/geometry/surface_distance.hpp"

#include "base/core/pool.hpp"
#include "base/geometry/distance.hpp"
#include "base/geometry/marked.hpp"
#include "base/geometry/orient.hpp"
#include "base/geometry/same_grid.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace fovea {
namespace {

std::vector<std::size_t> surface_places(Volume const& border) {
  std::vector<std::size_t> places;
  auto const marks = border.as<std::uint8_t>();
  for (std::size_t n = 0; n < marks.size(); ++n) {
    if (marks[n] != 0) places.push_back(n);
  }
  return places;
}

// From each place to the nearest source, mm.
std::vector<double> surface_way(Volume const& sources,
                                std::vector<std::size_t> const& places,
                                std::vector<float>& room,
                                int threads) {
  auto const spacing = sources.grid().spacing();
  squared_distances(sources.grid().size, spacing, sources.as<std::uint8_t>(), room, threads);
  std::vector<double> out;
  out.reserve(places.size());
  for (auto const place : places)
    out.push_back(spacing.mm[0] * std::sqrt(static_cast<double>(room[place])));
  return out;
}

void surface_expect(Volume const& a, Volume const& b, SurfaceOptions const& options) {
  if (!(options.percentile >= 0 && options.percentile <= 100))
    throw Error{Fault::usage,
                text("expected a percentile from 0 to 100, got ", options.percentile),
                "95 is usual"};
  if (!(options.tolerance_mm >= 0) || !std::isfinite(options.tolerance_mm))
    throw Error{Fault::usage,
                text("expected a tolerance of 0 mm or more, got ", options.tolerance_mm),
                "choose what two readers differ by"};
  if (a.channels() != 1 || b.channels() != 1)
    throw Error{
        Fault::input,
        text("expected masks of one channel, got ", a.channels(), " and ", b.channels()),
        "take their layers one by one"};
  expect_same_places(a.grid(), b.grid(), "both masks");
  expect_straight(a.grid(), "surface distances");
}

double surface_mean(std::vector<double> const& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) /
         static_cast<double>(values.size());
}

std::int64_t surface_within(std::vector<double> const& values, double tolerance) {
  // What float rounds on the way is no reason to be outside.
  auto const most = tolerance * (1 + 1e-6);
  return std::ranges::count_if(values, [&](double value) { return value <= most; });
}

}  // namespace

double percentile_of(std::span<double> values, double percent) {
  if (values.empty()) throw Error{Fault::bug, "no values to rank", "report this"};
  auto const place = percent / 100 * static_cast<double>(values.size() - 1);
  auto const rank = std::min(static_cast<std::size_t>(place), values.size() - 1);
  auto const low = values.begin() + static_cast<std::ptrdiff_t>(rank);
  std::nth_element(values.begin(), low, values.end());
  if (rank + 1 == values.size()) return *low;
  auto const high = *std::min_element(low + 1, values.end());
  return *low + (high - *low) * (place - static_cast<double>(rank));
}

SurfaceDistances surface_distances(Volume const& a,
                                   Volume const& b,
                                   SurfaceOptions const& options) {
  surface_expect(a, b, options);
  SurfaceDistances out;
  auto const box = joint_box_of_marked(a, b);
  if (!box) return out;
  auto const threads = options.threads > 0 ? options.threads : usable_cores();
  auto const border_a = border_of_part(crop(a, *box), a.depth() == 1, threads);
  auto const border_b = border_of_part(crop(b, *box), b.depth() == 1, threads);
  auto const places_a = surface_places(border_a);
  auto const places_b = surface_places(border_b);
  out.surface_a = static_cast<std::int64_t>(places_a.size());
  out.surface_b = static_cast<std::int64_t>(places_b.size());
  if (places_a.empty() || places_b.empty()) {
    out.dice = 0;
    return out;
  }
  std::vector<float> room(static_cast<std::size_t>(border_a.voxels()));
  auto a_to_b = surface_way(border_b, places_a, room, threads);
  auto b_to_a = surface_way(border_a, places_b, room, threads);
  out.mean_a_to_b = surface_mean(a_to_b);
  out.mean_b_to_a = surface_mean(b_to_a);
  auto const of_a = static_cast<double>(a_to_b.size());
  auto const of_b = static_cast<double>(b_to_a.size());
  out.mean = (*out.mean_a_to_b * of_a + *out.mean_b_to_a * of_b) / (of_a + of_b);
  out.dice = static_cast<double>(surface_within(a_to_b, options.tolerance_mm) +
                                 surface_within(b_to_a, options.tolerance_mm)) /
             (of_a + of_b);
  out.hausdorff =
      std::max(*std::ranges::max_element(a_to_b), *std::ranges::max_element(b_to_a));
  out.percentile = std::max(percentile_of(a_to_b, options.percentile),
                            percentile_of(b_to_a, options.percentile));
  a_to_b.insert(a_to_b.end(), b_to_a.begin(), b_to_a.end());
  out.pooled_percentile = percentile_of(a_to_b, options.percentile);
  return out;
}

}  // namespace fovea
