#include "learn/transform/resize.hpp"

#include "learn/transform/kernels.hpp"
#include "learn/transform/picture.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace fovea {
namespace {

struct ResizeTap {
  std::int64_t at;
  double weight;
};

std::vector<ResizeTap> resize_area(std::int64_t x, double step, std::int64_t from) {
  auto const start = static_cast<double>(x) * step;
  auto const end = std::min(start + step, static_cast<double>(from));
  std::vector<ResizeTap> taps;
  for (auto at = static_cast<std::int64_t>(start); at < from; ++at) {
    auto const covered =
        std::min(end, static_cast<double>(at + 1)) - std::max(start, static_cast<double>(at));
    // A sliver that only rounding made would take in a pixel that is not covered.
    if (covered > 1e-9 * step) taps.push_back({at, covered / (end - start)});
    if (static_cast<double>(at + 1) >= end) break;
  }
  return taps;
}

std::vector<ResizeTap> resize_linear(std::int64_t x, double step) {
  auto const centre = (static_cast<double>(x) + 0.5) * step - 0.5;
  auto const left = std::floor(centre);
  auto const t = centre - left;
  auto const at = static_cast<std::int64_t>(left);
  return {{at, 1 - t}, {at + 1, t}};
}

std::vector<ResizeTap> resize_cubic(std::int64_t x, double step) {
  constexpr double a = -0.75;
  auto const near = [](double d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };
  auto const far = [](double d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };
  auto const centre = (static_cast<double>(x) + 0.5) * step - 0.5;
  auto const left = std::floor(centre);
  auto const t = centre - left;
  auto const at = static_cast<std::int64_t>(left);
  return {{at - 1, far(1 + t)}, {at, near(t)}, {at + 1, near(1 - t)}, {at + 2, far(2 - t)}};
}

// Down first: its inner loop runs along rows as they lie in memory, in the type that was
// stored.
template <class T>
void resize_typed(Volume const& image,
                  std::span<Share const> shares,
                  Taps const& across,
                  Taps const& down,
                  float* to) {
  auto const from = image.width();
  auto const width = static_cast<std::int64_t>(across.at.size()) / across.count;
  auto const height = static_cast<std::int64_t>(down.at.size()) / down.count;
  std::vector<float> row(static_cast<std::size_t>(from));
  for (std::int64_t y = 0; y < height; ++y) {
    std::ranges::fill(row, 0.0F);
    for (auto const& share : shares) {
      auto const* plane = image.channel<T>(share.channel).data();
      for (int k = 0; k < down.count; ++k) {
        auto const tap = static_cast<std::size_t>(k * height + y);
        auto const weight = share.weight * down.weight[tap];
        if (weight != 0) add_row(plane + down.at[tap] * from, weight, row.data(), from);
      }
    }
    if (width == from) {
      std::ranges::copy(row, to + y * width);
    } else {
      gather_row(row.data(), across.at.data(), across.weight.data(), across.count,
                 to + y * width, width);
    }
  }
}

}  // namespace

Taps taps_of(std::int64_t from, std::int64_t to, Interpolation method) {
  auto const step = static_cast<double>(from) / static_cast<double>(to);
  auto const of = [&](std::int64_t x) -> std::vector<ResizeTap> {
    if (from == to) return {{x, 1}};
    if (method == Interpolation::cubic) return resize_cubic(x, step);
    if (method == Interpolation::area && to < from) return resize_area(x, step, from);
    return resize_linear(x, step);
  };
  std::vector<std::vector<ResizeTap>> all;
  std::size_t count = 1;
  for (std::int64_t x = 0; x < to; ++x) count = std::max(count, all.emplace_back(of(x)).size());

  auto const columns = static_cast<std::size_t>(to);
  Taps taps{static_cast<int>(count), std::vector<std::int32_t>(count * columns),
            std::vector<float>(count * columns)};
  for (std::size_t x = 0; x < columns; ++x) {
    for (std::size_t k = 0; k < count; ++k) {
      // A column with fewer taps repeats its last one with weight 0: no pixel that it does not
      // cover is read.
      auto const& tap = all[x][std::min(k, all[x].size() - 1)];
      taps.at[k * columns + x] =
          static_cast<std::int32_t>(std::clamp<std::int64_t>(tap.at, 0, from - 1));
      taps.weight[k * columns + x] = k < all[x].size() ? static_cast<float>(tap.weight) : 0.0F;
    }
  }
  return taps;
}

void resize_into(Volume const& image,
                 std::span<Share const> shares,
                 Taps const& across,
                 Taps const& down,
                 float* to) {
  switch (image.type()) {
    case Type::u8:
      return resize_typed<std::uint8_t>(image, shares, across, down, to);
    case Type::u16:
      return resize_typed<std::uint16_t>(image, shares, across, down, to);
    case Type::f32:
      return resize_typed<float>(image, shares, across, down, to);
    default:
      return resize_typed<float>(as_float(image), shares, across, down, to);
  }
}

Grid resized(Grid const& grid, std::int64_t width, std::int64_t height) {
  auto out = grid;
  out.size = {width, height, grid.size[2]};
  for (std::size_t axis = 0; axis < 2; ++axis) {
    auto const step =
        static_cast<double>(grid.size[axis]) / static_cast<double>(out.size[axis]);
    for (std::size_t n = 0; n < 3; ++n) {
      out.axes[axis].mm[n] *= step;
      // The corner stays where it is, so the first centre moves.
      out.origin.mm[n] += (step - 1) / 2 * grid.axes[axis].mm[n];
    }
  }
  return out;
}

Volume Resize::operator()(Volume const& image) const {
  expect_picture(image, "resize");
  if (width < 1 || height < 1)
    throw Error{Fault::usage,
                text("expected a size of at least 1 x 1, got ", width, " x ", height),
                "choose a larger one"};
  Volume out{resized(image.grid(), width, height), Type::f32, image.unit(), image.channels()};
  auto const across = taps_of(image.width(), width, method);
  auto const down = taps_of(image.height(), height, method);
  for (std::int64_t channel = 0; channel < image.channels(); ++channel) {
    std::array const whole{Share{channel, 1}};
    resize_into(image, whole, across, down, out.write_channel<float>(channel).data());
  }
  return out;
}

}  // namespace fovea
