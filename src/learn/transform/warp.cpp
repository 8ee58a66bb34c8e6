#include "learn/transform/warp.hpp"

#include "learn/transform/kernels.hpp"
#include "learn/transform/picture.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>

namespace fovea {
namespace {

struct WarpTurn {
  double cosine, sine;
};

WarpTurn warp_turn(double degrees) {
  // cos(90 degrees) is not 0 in floating point, so quarter turns are taken off first.
  auto const quarters = std::nearbyint(degrees / 90);
  auto const rest = (degrees - quarters * 90) * std::numbers::pi / 180;
  auto const c = std::cos(rest);
  auto const s = std::sin(rest);
  auto const quarter = std::fmod(std::fmod(quarters, 4) + 4, 4);
  if (quarter == 1) return {-s, c};
  if (quarter == 2) return {-c, -s};
  if (quarter == 3) return {s, -c};
  return {c, s};
}

}  // namespace

Map2d map_of(Motion const& motion, std::int64_t width, std::int64_t height) {
  auto const [c, s] = warp_turn(motion.degrees);
  auto const lean = std::tan(motion.shear * std::numbers::pi / 180);
  auto const z = 1 / motion.scale;
  // Forward, y pointing down: [c s; -s c] * scale * [1 -lean; 0 1]; here is its inverse.
  Map2d map{.xx = z * (c + lean * s), .xy = z * (-s + lean * c), .yx = z * s, .yy = z * c};
  auto const x = static_cast<double>(width - 1) / 2;
  auto const y = static_cast<double>(height - 1) / 2;
  map.x0 = x - map.xx * (x + motion.right) - map.xy * (y + motion.down);
  map.y0 = y - map.yx * (x + motion.right) - map.yy * (y + motion.down);
  return map;
}

PictureDisplacement::Axis PictureDisplacement::axis_of(std::int64_t size, int cells) {
  auto const columns = static_cast<std::size_t>(size);
  Axis axis{std::vector<std::int32_t>(4 * columns), std::vector<float>(4 * columns)};
  for (std::size_t n = 0; n < columns; ++n) {
    auto const place = (static_cast<double>(n) + 0.5) / static_cast<double>(size) * cells;
    auto const cell = std::floor(place);
    auto const t = place - cell;
    std::array<double, 4> const basis{
        (1 - t) * (1 - t) * (1 - t) / 6, (3 * t * t * t - 6 * t * t + 4) / 6,
        (-3 * t * t * t + 3 * t * t + 3 * t + 1) / 6, t * t * t / 6};
    for (std::size_t k = 0; k < 4; ++k) {
      axis.at[k * columns + n] = static_cast<std::int32_t>(cell) + static_cast<std::int32_t>(k);
      axis.weight[k * columns + n] = static_cast<float>(basis[k]);
    }
  }
  return axis;
}

PictureDisplacement::PictureDisplacement(
    std::int64_t width, std::int64_t height, double deviation, int cells, std::uint64_t key)
    : width_(width),
      height_(height),
      points_(cells + 3),
      across_(axis_of(width, cells)),
      down_(axis_of(height, cells)),
      x_(static_cast<std::size_t>(points_ * points_)),
      y_(x_.size()),
      line_(static_cast<std::size_t>(points_)),
      moved_(static_cast<std::size_t>(width)) {
  // The spline averages its control points: the mean of the squared weights is 151/315 along an
  // axis, so in the plane its deviation is 151/315 of theirs.
  auto const control = deviation * 315 / 151;
  Rng rng{key};
  for (auto& value : x_) value = static_cast<float>(rng.normal(0, control));
  for (auto& value : y_) value = static_cast<float>(rng.normal(0, control));
}

void PictureDisplacement::add_row(std::int64_t y, float* at_x, float* at_y) {
  for (auto const& [points, at] : {std::pair{&x_, at_x}, std::pair{&y_, at_y}}) {
    std::ranges::fill(line_, 0.0F);
    for (std::int64_t k = 0; k < 4; ++k) {
      auto const tap = static_cast<std::size_t>(k * height_ + y);
      fovea::add_row(points->data() + down_.at[tap] * points_, down_.weight[tap], line_.data(),
                     points_);
    }
    gather_row(line_.data(), across_.at.data(), across_.weight.data(), 4, moved_.data(),
               width_);
    fovea::add_row(moved_.data(), 1, at, width_);
  }
}

Volume warped(Volume const& image, Map2d const& map, PictureDisplacement* displacement) {
  auto out = float_like(image, "warp");
  if (image.voxels() >= std::int64_t{1} << 30)
    throw Error{Fault::input, "expected a picture of less than 2^30 pixels", "make it smaller"};
  auto const source = as_float(image);
  auto const width = image.width();
  std::vector<float> count(static_cast<std::size_t>(width));
  std::iota(count.begin(), count.end(), 0.0F);
  std::vector<float> at_x(count.size());
  std::vector<float> at_y(count.size());
  for (std::int64_t y = 0; y < image.height(); ++y) {
    auto const row = static_cast<double>(y);
    std::ranges::fill(at_x, static_cast<float>(map.xy * row + map.x0));
    std::ranges::fill(at_y, static_cast<float>(map.yy * row + map.y0));
    add_row(count.data(), static_cast<float>(map.xx), at_x.data(), width);
    add_row(count.data(), static_cast<float>(map.yx), at_y.data(), width);
    if (displacement != nullptr) displacement->add_row(y, at_x.data(), at_y.data());
    for (std::int64_t channel = 0; channel < image.channels(); ++channel)
      sample_row({source.channel<float>(channel).data(), static_cast<std::int32_t>(width),
                  static_cast<std::int32_t>(image.height())},
                 at_x.data(), at_y.data(), out.write_channel<float>(channel).data() + y * width,
                 width);
  }
  return out;
}

}  // namespace fovea
