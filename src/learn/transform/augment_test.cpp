#include "learn/transform/augment.hpp"

#include "base/core/pool.hpp"
#include "learn/transform/affine.hpp"
#include "learn/transform/resize.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

namespace fovea {
namespace {

Volume augment_test_image(std::int64_t width = 40, std::int64_t height = 30) {
  auto image = image2d(width, height, Type::f32);
  Rng rng{6};
  for (auto& value : image.write<float>()) value = static_cast<float>(rng.uniform());
  return image;
}

std::vector<float> augment_test_values(Volume const& image) {
  return {image.as<float>().begin(), image.as<float>().end()};
}

std::vector<float> augment_test_run(Augment const& augment, std::uint64_t key) {
  Rng rng{key};
  return augment_test_values(augment(augment_test_image(), rng));
}

Augment const augment_test_all{.flip_left_right = 0.5,
                               .flip_up_down = 0.5,
                               .rotate = 20,
                               .scale = 0.2,
                               .shift = 0.1,
                               .shear = 5,
                               .elastic = 2,
                               .brightness = 0.1,
                               .contrast = 0.2,
                               .gamma = 0.2,
                               .noise = 0.05,
                               .blur = 1,
                               .cut_out = 0.5};

}  // namespace

TEST(Augment, ChangesNothingWhenAllIsOff) {
  auto const image = augment_test_image();
  Rng rng{1};
  auto const out = Augment{}(image, rng);
  EXPECT_EQ(augment_test_values(out), augment_test_values(image));
  EXPECT_NE(out.bytes(), image.bytes());
}

TEST(Augment, TurningOnePartOffChangesNoOther) {
  // Whatever is on, the generator ends in the same state and the noise is the same noise.
  Rng with{3};
  Rng without{3};
  Augment{}(augment_test_image(), without);
  augment_test_all(augment_test_image(), with);
  EXPECT_EQ(with.state(), without.state());

  auto const plain = augment_test_run(Augment{.noise = 0.1}, 5);
  auto const image = augment_test_values(augment_test_image());
  auto const brighter = augment_test_run(Augment{.brightness = 0.3, .noise = 0.1}, 5);
  auto const added = brighter[0] - plain[0];
  EXPECT_GT(std::abs(added), 1e-3);
  for (std::size_t n = 0; n < image.size(); ++n)
    ASSERT_NEAR(brighter[n] - plain[n], added, 1e-5);
}

TEST(Augment, MovesAsTheAffineMapAlone) {
  // The map comes after two draws for the flips.
  auto const image = augment_test_image();
  Rng rng{9};
  rng.next();
  rng.next();
  PictureAffine const affine{.rotate = 20, .scale = 0.2, .shift = 0.1, .shear = 5};
  EXPECT_EQ(augment_test_run(Augment{.rotate = 20, .scale = 0.2, .shift = 0.1, .shear = 5}, 9),
            augment_test_values(affine(image, rng)));
}

TEST(Augment, FlipsThroughTheMapAsItFlipsAlone) {
  // A turn of nothing but rounding goes through the interpolation; flips alone are a copy.
  for (auto const& flips : {Augment{.flip_left_right = 1}, Augment{.flip_up_down = 1},
                            Augment{.flip_left_right = 1, .flip_up_down = 1}}) {
    auto nearly = flips;
    nearly.shift = 1e-9;
    auto const exact = augment_test_run(flips, 4);
    auto const mapped = augment_test_run(nearly, 4);
    for (std::size_t n = 0; n < exact.size(); ++n) ASSERT_NEAR(mapped[n], exact[n], 1e-5);
  }
}

TEST(Augment, GivesTheSameSamplesForAnyNumberOfThreads) {
  auto const image = augment_test_image();
  auto const samples = [&](int threads) {
    std::vector<std::vector<float>> all(64);
    in_parallel(64, threads, [&](std::int64_t n) {
      Rng rng{{7, static_cast<std::uint64_t>(n)}};
      all[static_cast<std::size_t>(n)] = augment_test_values(augment_test_all(image, rng));
    });
    return all;
  };
  EXPECT_EQ(samples(1), samples(4));
}

TEST(Augment, MovesColoursTogether) {
  auto image = image2d(40, 30, Type::f32, 3);
  auto const grey = augment_test_image();
  for (std::int64_t channel = 0; channel < 3; ++channel)
    std::ranges::copy(grey.as<float>(), image.write_channel<float>(channel).begin());
  auto still = augment_test_all;
  still.noise = 0;
  Rng rng{3};
  auto const out = still(image, rng);
  EXPECT_TRUE(std::ranges::equal(out.channel<float>(0), out.channel<float>(2)));
}

TEST(Prepare, ScalesTheRangeAndKeepsPixelsOfTheRightSize) {
  auto image = image2d(2, 2, Type::u8);
  std::ranges::copy(std::array{0, 51, 102, 255}, image.write<std::uint8_t>().begin());
  auto const ready = Prepare{.width = 2, .height = 2}(image);
  EXPECT_EQ(ready.unit(), Unit::one);
  for (auto const& [at, wanted] :
       std::map<std::size_t, double>{{0, 0}, {1, 0.2}, {2, 0.4}, {3, 1}})
    EXPECT_NEAR(ready.as<float>()[at], wanted, 1e-6);
}

TEST(Prepare, AveragesWhenItShrinksAndIsLinearWhenItGrows) {
  auto image = image2d(40, 10, Type::u16);
  for (std::size_t n = 0; n < 400; ++n)
    image.write<std::uint16_t>()[n] = static_cast<std::uint16_t>(n * 31 % 997);
  auto const ready = Prepare{.width = 13, .height = 17, .low = 0, .high = 1000}(image);
  auto const wanted = Resize{13, 17, Interpolation::area}(image);
  for (std::size_t n = 0; n < 13 * 17; ++n)
    ASSERT_NEAR(ready.as<float>()[n], wanted.as<float>()[n] / 1000, 1e-5);
}

TEST(Prepare, TurnsColourIntoGreyAndGreyIntoColour) {
  auto colour = image2d(1, 1, Type::u8, 3);
  std::ranges::copy(std::array{100, 200, 50}, colour.write<std::uint8_t>().begin());
  EXPECT_NEAR((Prepare{.width = 1, .height = 1})(colour).as<float>()[0], 153.0 / 255, 1e-6);
  auto grey = image2d(3, 3, Type::u8);
  std::ranges::fill(grey.write<std::uint8_t>(), 255);
  auto const three = Prepare{.width = 5, .height = 5, .channels = 3}(grey);
  EXPECT_EQ(three.channels(), 3);
  for (auto const value : three.as<float>()) EXPECT_NEAR(value, 1, 1e-6);
}

TEST(Prepare, NormalisesIntoACopyOrStraightIntoABatch) {
  auto const image = augment_test_image();
  Prepare const prepare{.mean = 0.5, .deviation = 0.25};
  auto const normal = prepare.normalise(image);
  std::vector<float> row(1200);
  prepare.normalise(image, row);
  EXPECT_EQ(augment_test_values(normal), row);
  for (std::size_t n = 0; n < row.size(); ++n)
    ASSERT_NEAR(row[n], (image.as<float>()[n] - 0.5) / 0.25, 1e-5);
}

TEST(Prepare, RefusesWhatItCannotMakeSenseOf) {
  auto const image = augment_test_image();
  std::vector<float> short_row(3);
  EXPECT_THROW((Prepare{.low = 5, .high = 5})(image), Error);
  EXPECT_THROW((Prepare{.width = 0})(image), Error);
  EXPECT_THROW((Prepare{.channels = 3})(image2d(4, 4, Type::u8, 2)), Error);
  EXPECT_THROW((Prepare{.deviation = 0}).normalise(image), Error);
  EXPECT_THROW(Prepare{}.normalise(image, short_row), Error);
}

}  // namespace fovea
