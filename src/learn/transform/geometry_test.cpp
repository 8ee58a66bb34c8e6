#include "learn/transform/affine.hpp"
#include "learn/transform/elastic.hpp"
#include "learn/transform/flip.hpp"
#include "learn/transform/resize.hpp"
#include "learn/transform/warp.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

Volume geometry_ramp(std::int64_t width, std::int64_t height) {
  auto image = image2d(width, height, Type::f32);
  auto const values = image.write<float>();
  for (std::size_t n = 0; n < values.size(); ++n) values[n] = static_cast<float>(n);
  return image;
}

float geometry_at(Volume const& image, std::int64_t x, std::int64_t y) {
  return image.as<float>()[static_cast<std::size_t>(y * image.width() + x)];
}

bool geometry_equal(Volume const& one, Volume const& other) {
  return std::ranges::equal(one.as<float>(), other.as<float>());
}

}  // namespace

TEST(Flip, MirrorsAndTwiceIsTheSame) {
  auto const image = geometry_ramp(5, 3);
  auto const across = flipped(image, true, false);
  auto const down = flipped(image, false, true);
  EXPECT_EQ(geometry_at(across, 0, 1), geometry_at(image, 4, 1));
  EXPECT_EQ(geometry_at(down, 2, 0), geometry_at(image, 2, 2));
  for (auto const x : {false, true}) {
    for (auto const y : {false, true})
      EXPECT_TRUE(geometry_equal(flipped(flipped(image, x, y), x, y), image));
  }
}

TEST(Flip, DoesNotExchangeChannels) {
  auto image = image2d(2, 2, Type::u8, 2);
  image.write<std::uint8_t>()[0] = 9;
  auto const turned = flipped(image, true, true);
  EXPECT_EQ(turned.channel<float>(0)[3], 9);
  EXPECT_EQ(turned.channel<float>(1)[3], 0);
}

TEST(Flip, HappensAsOftenAsAsked) {
  auto const image = geometry_ramp(2, 1);
  int mirrored = 0;
  Rng rng{3};
  for (int n = 0; n < 1000; ++n) mirrored += geometry_at(Flip{0.3}(image, rng), 0, 0) == 1;
  EXPECT_NEAR(mirrored, 300, 60);
}

TEST(Warp, TurnsQuartersExactly) {
  auto const image = geometry_ramp(7, 7);
  for (int quarter = -5; quarter <= 5; ++quarter) {
    auto const map = map_of({.degrees = 90.0 * quarter}, 7, 7);
    auto const turned = warped(image, map);
    for (std::int64_t y = 0; y < 7; ++y) {
      for (std::int64_t x = 0; x < 7; ++x) {
        // One quarter counter-clockwise: what was on the right is on top.
        auto from_x = x;
        auto from_y = y;
        for (int n = 0; n < (quarter % 4 + 4) % 4; ++n) {
          auto const right = 6 - from_y;
          from_y = from_x;
          from_x = right;
        }
        ASSERT_EQ(geometry_at(turned, x, y), geometry_at(image, from_x, from_y)) << quarter;
      }
    }
  }
}

TEST(Warp, MovesThingsWhereItSays) {
  auto image = image2d(9, 9, Type::f32);
  image.write<float>()[static_cast<std::size_t>(4 * 9 + 4)] = 1;
  auto const moved = warped(image, map_of({.right = 2, .down = -3}, 9, 9));
  EXPECT_EQ(geometry_at(moved, 6, 1), 1);
  auto const still = warped(image, map_of({}, 9, 9));
  EXPECT_TRUE(geometry_equal(still, image));
}

TEST(Warp, RepeatsTheNearestEdgeOutside) {
  auto const image = geometry_ramp(4, 4);
  auto const moved = warped(image, map_of({.right = 100, .down = 100}, 4, 4));
  EXPECT_TRUE(std::ranges::all_of(moved.as<float>(), [](float v) { return v == 0; }));
}

TEST(Warp, LeansAVerticalLineToTheRight) {
  auto image = image2d(21, 21, Type::f32);
  for (std::int64_t y = 0; y < 21; ++y)
    image.write<float>()[static_cast<std::size_t>(y * 21 + 10)] = 1;
  auto const leaning = warped(image, map_of({.shear = 45}, 21, 21));
  EXPECT_NEAR(geometry_at(leaning, 15, 5), 1, 1e-5);
  EXPECT_NEAR(geometry_at(leaning, 5, 15), 1, 1e-5);
}

TEST(PictureAffine, StaysWithinItsStrengths) {
  PictureAffine const affine{.rotate = 10, .scale = 0.2, .shift = 0.1, .shear = 5};
  Rng rng{11};
  for (int n = 0; n < 1000; ++n) {
    auto const motion = affine.draw(100, 200, rng);
    EXPECT_LE(std::abs(motion.degrees), 10);
    EXPECT_LE(std::abs(std::log(motion.scale)), 0.2);
    EXPECT_LE(std::abs(motion.right), 10);
    EXPECT_LE(std::abs(motion.down), 20);
    EXPECT_LE(std::abs(motion.shear), 5);
  }
}

TEST(Elastic, DisplacesByItsDeviationAndSmoothly) {
  double squares = 0;
  double steepest = 0;
  constexpr std::int64_t side = 60;
  constexpr int pictures = 200;
  for (std::uint64_t key = 0; key < pictures; ++key) {
    PictureDisplacement displacement{side, side, 3, 6, key};
    std::vector<float> x(side);
    std::vector<float> y(side);
    displacement.add_row(30, x.data(), y.data());
    for (std::size_t n = 0; n < x.size(); ++n) {
      squares += x[n] * x[n] + y[n] * y[n];
      if (n > 0) steepest = std::max<double>(steepest, std::abs(x[n] - x[n - 1]));
    }
  }
  EXPECT_NEAR(std::sqrt(squares / (2.0 * side * pictures)), 3, 0.3);
  EXPECT_LT(steepest, 2.5);
}

TEST(Resize, KeepsTheFieldOfViewInThePatient) {
  Volume image{upright({8, 6, 1}, Spacing{{0.5, 1, 2}}, Point{{10, 20, 30}}), Type::u8};
  auto const half = Resize{4, 2}(image);
  EXPECT_DOUBLE_EQ(half.grid().spacing().mm[0], 1);
  EXPECT_DOUBLE_EQ(half.grid().spacing().mm[1], 3);
  EXPECT_DOUBLE_EQ(half.grid().spacing().mm[2], 2);
  // The corner of pixel (0, 0) has not moved.
  EXPECT_DOUBLE_EQ(half.grid().point_of({{-0.5, -0.5, 0}}).mm[0],
                   image.grid().point_of({{-0.5, -0.5, 0}}).mm[0]);
  EXPECT_DOUBLE_EQ(half.grid().point_of({{-0.5, -0.5, 0}}).mm[1],
                   image.grid().point_of({{-0.5, -0.5, 0}}).mm[1]);
}

TEST(Resize, KeepsConstantsWhateverTheSizes) {
  for (auto const method : {Interpolation::area, Interpolation::linear, Interpolation::cubic}) {
    for (std::int64_t from : {1, 2, 3, 10, 97}) {
      for (std::int64_t to : {1, 2, 3, 7, 28, 101}) {
        auto image = image2d(from, from, Type::u16);
        std::ranges::fill(image.write<std::uint16_t>(), 1000);
        auto const other = Resize{to, to, method}(image);
        for (auto const value : other.as<float>())
          ASSERT_NEAR(value, 1000, 1e-2) << from << " to " << to;
      }
    }
  }
}

TEST(Resize, AreaKeepsTheMean) {
  auto const image = geometry_ramp(97, 61);
  auto const small = Resize{13, 9}(image);
  double sum = 0;
  for (auto const value : small.as<float>()) sum += value;
  EXPECT_NEAR(sum / (13 * 9), (97.0 * 61 - 1) / 2, 0.05);
}

TEST(Resize, RefusesASizeOfZero) {
  EXPECT_THROW((Resize{0, 5})(image2d(3, 3, Type::u8)), Error);
}

}  // namespace fovea
