#include "learn/window/places.hpp"

#include "base/core/error.hpp"

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

std::vector<std::int64_t> places_even(std::int64_t size, std::int64_t tile, double step) {
  auto const most = static_cast<double>(size - tile);
  auto const target = static_cast<double>(tile) * step;
  auto const count = static_cast<std::int64_t>(std::ceil(most / target)) + 1;
  std::vector<std::int64_t> starts;
  for (std::int64_t n = 0; n < count; ++n) {
    // Halves go to even, as numpy rounds.
    auto const apart = count > 1 ? most / static_cast<double>(count - 1) : 0;
    starts.push_back(std::llrint(apart * static_cast<double>(n)));
  }
  // Steps below a voxel (half of a single slice) give some places twice.
  starts.erase(std::unique(starts.begin(), starts.end()), starts.end());
  return starts;
}

std::vector<std::int64_t> places_fixed(std::int64_t size, std::int64_t tile, double step) {
  auto const apart =
      std::max<std::int64_t>(1, static_cast<std::int64_t>(static_cast<double>(tile) * step));
  std::vector<std::int64_t> starts{0};
  while (starts.back() + tile < size)
    starts.push_back(std::min(starts.back() + apart, size - tile));
  return starts;
}

}  // namespace

std::vector<std::int64_t> window_starts(std::int64_t size,
                                        std::int64_t tile,
                                        double step,
                                        WindowPlaces places) {
  if (size < 1 || tile < 1)
    throw Error{Fault::usage,
                text("expected sizes above 0, got a window of ", tile, " in ", size),
                "give the window's size along each axis"};
  if (!(step > 0 && step <= 1))
    throw Error{Fault::usage, text("expected a step above 0 and at most 1, got ", step),
                "0.5 lets each window overlap half of the next"};
  if (size <= tile) return {0};
  return places == WindowPlaces::even ? places_even(size, tile, step)
                                      : places_fixed(size, tile, step);
}

std::vector<float> window_weights(std::int64_t tile, WindowBlend blend) {
  std::vector<float> weights(static_cast<std::size_t>(tile), 1.0F);
  if (blend == WindowBlend::flat) return weights;
  auto const deviation = static_cast<double>(tile) / 8;
  auto const centre = blend == WindowBlend::gaussian ? static_cast<double>(tile / 2)
                                                     : static_cast<double>(tile - 1) / 2;
  for (std::int64_t n = 0; n < tile; ++n) {
    auto const from = (static_cast<double>(n) - centre) / deviation;
    weights[static_cast<std::size_t>(n)] = static_cast<float>(std::exp(-from * from / 2));
  }
  return weights;
}

}  // namespace fovea
