#include "learn/window/way_back.hpp"

#include "base/core/error.hpp"
#include "learn/window/taps.hpp"

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

std::optional<int> apart_by(std::array<double, 3> const& spacing) {
  constexpr double far = 3;  // nnU-Net's ANISO_THRESHOLD
  auto const [least, most] = std::minmax_element(spacing.begin(), spacing.end());
  return *most / *least > far ? std::optional{static_cast<int>(most - spacing.begin())}
                              : std::nullopt;
}

}  // namespace

WayBack stay(Grid const& grid) {
  std::array<std::int64_t, 3> const size{grid.size[2], grid.size[1], grid.size[0]};
  return {.prepared = size, .cut = size, .grid = grid};
}

std::optional<int> axis_apart(std::array<double, 3> const& from,
                              std::array<double, 3> const& to) {
  for (auto const& spacing : {from, to}) {
    if (!std::ranges::all_of(spacing, [](double mm) { return mm > 0 && std::isfinite(mm); }))
      throw Error{Fault::usage,
                  text("expected spacings above 0 mm, got ", spacing[0], " ", spacing[1], " ",
                       spacing[2]),
                  "give the distance between voxels along each axis"};
  }
  auto const by_from = apart_by(from);
  auto const& spacing = by_from ? from : to;
  auto const axis = by_from ? by_from : apart_by(to);
  if (!axis || std::ranges::count(spacing, spacing[static_cast<std::size_t>(*axis)]) > 1)
    return std::nullopt;
  return axis;
}

AxisTaps taps_of(std::int64_t from, std::int64_t to, bool nearest) {
  AxisTaps taps;
  auto const scale = static_cast<double>(from) / static_cast<double>(to);
  auto const last = from - 1;
  for (std::int64_t n = 0; n < to; ++n) {
    auto const place = scale * (static_cast<double>(n) + 0.5) - 0.5;
    if (nearest) {
      auto const one =
          std::clamp<std::int64_t>(static_cast<std::int64_t>(std::floor(place + 0.5)), 0, last);
      taps.low.push_back(one);
      taps.high.push_back(one);
      taps.part.push_back(0);
      continue;
    }
    auto const inside = std::clamp(place, 0.0, static_cast<double>(last));
    auto const low = static_cast<std::int64_t>(inside);
    auto const part = static_cast<float>(inside - static_cast<double>(low));
    taps.low.push_back(low);
    taps.high.push_back(part > 0 ? std::min(low + 1, last) : low);
    taps.part.push_back(part);
  }
  return taps;
}

}  // namespace fovea
