#include "learn/patch/patch_augment.hpp"

#include "base/core/error.hpp"
#include "base/core/pool.hpp"
#include "learn/patch/made/made_case.hpp"
#include "learn/patch/patch_space.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

namespace fovea {
namespace {

struct AugmentOut {
  std::vector<float> image;
  std::vector<std::int16_t> labels;
  bool operator==(AugmentOut const&) const = default;

  AugmentOut(Kji const& size, std::int64_t channels)
      : image(static_cast<std::size_t>(channels * voxels_of(size)), -99),
        labels(static_cast<std::size_t>(voxels_of(size)), 99) {}
};

AugmentOut augmented(PatchAugment const& augment,
                     StoredCase const& from,
                     PatchPlace const& place,
                     PatchKey const& key) {
  AugmentOut out{augment.patch, from.channels()};
  augment(from, place, key, {augment.patch, from.channels(), out.image, out.labels});
  return out;
}

PatchAugment augment_nothing(Kji const& patch) {
  PatchAugment augment;
  augment.patch = augment.box = patch;
  augment.turn_chance = augment.scale_chance = augment.noise_chance = augment.blur_chance = 0;
  augment.brightness_chance = augment.contrast_chance = augment.low_resolution_chance = 0;
  augment.inverted_gamma_chance = augment.gamma_chance = 0;
  augment.mirror = {};
  return augment;
}

TEST(PatchAugment, CutsThePatchExactlyWhenNothingIsDrawn) {
  MadeCase const made{{7, 9, 10}, 2};
  auto const from = stored(made.to_store());
  for (auto const& place : {PatchPlace{0, {1, 2, 3}}, PatchPlace{0, {-2, -1, 5}}}) {
    Kji const patch{4, 5, 6};
    auto const got = augmented(augment_nothing(patch), *from, place, {1, 2, 3});
    AugmentOut wanted{patch, 2};
    cut_patch(*from, place, {patch, 2, wanted.image, wanted.labels});
    EXPECT_TRUE(std::ranges::find(wanted.labels, -1) != wanted.labels.end() ||
                place.from[0] > 0);
    for (auto& label : wanted.labels) label = std::max<std::int16_t>(label, 0);
    EXPECT_EQ(got.image, wanted.image);
    EXPECT_EQ(got.labels, wanted.labels);
  }
}

// Turning by nothing goes the way of interpolation and must arrive at the same.
TEST(PatchAugment, TurningByNothingChangesNothing) {
  MadeCase const made{{9, 10, 11}, 2};
  auto const from = stored(made.to_store());
  for (auto const& patch : {Kji{4, 5, 6}, Kji{1, 6, 8}, Kji{5, 5, 5}})
    for (auto const in_plane : {false, true}) {
      auto augment = augment_nothing(patch);
      auto const plain = augmented(augment, *from, {0, {2, -1, 4}}, {});
      augment.turn_chance = augment.scale_chance = 1;
      augment.turn_degrees = {0, 0};
      augment.scale = {1, 1};
      augment.in_plane = in_plane;
      auto const turned = augmented(augment, *from, {0, {2, -1, 4}}, {});
      EXPECT_EQ(turned.labels, plain.labels);
      for (std::size_t n = 0; n < plain.image.size(); ++n)
        ASSERT_NEAR(turned.image[n], plain.image[n], 2e-6);
    }
}

TEST(PatchAugment, TurnedByAQuarterIsTheTurnedArray) {
  MadeCase const made{{6, 9, 9}};
  auto const from = stored(made.to_store());
  auto augment = augment_nothing({6, 5, 5});
  auto const plain = augmented(augment, *from, {0, {0, 2, 2}}, {});
  augment.turn_chance = 1;
  augment.turn_degrees = {90, 90};
  augment.in_plane = true;
  auto const turned = augmented(augment, *from, {0, {0, 2, 2}}, {});
  // What is at (j, i) comes from (-i, j), counted from the middle.
  for (std::size_t k = 0; k < 6; ++k)
    for (std::size_t j = 0; j < 5; ++j)
      for (std::size_t i = 0; i < 5; ++i) {
        ASSERT_NEAR(turned.image[k * 25 + j * 5 + i], plain.image[k * 25 + (4 - i) * 5 + j],
                    1e-5);
        ASSERT_EQ(turned.labels[k * 25 + j * 5 + i], plain.labels[k * 25 + (4 - i) * 5 + j]);
      }
}

TEST(PatchAugment, IsTheSameForAnyNumberOfThreadsAndAnyOrder) {
  MadeCase const made{{20, 24, 26}, 2};
  auto const from = stored(made.to_store({8, 8, 8}), std::make_shared<ChunkCache>(1 << 16));
  auto const augment = PatchAugment::like_nnunet({12, 14, 16});
  PatchSampling sampling;
  sampling.patch = augment.patch;
  sampling.box = augment.box;
  PatchSampler const sampler{sampling, {from}};
  auto const all = [&](int threads, bool backwards) {
    std::vector<AugmentOut> out(60, AugmentOut{{1, 1, 1}, 1});
    in_parallel(60, threads, [&](std::int64_t n) {
      auto const at = static_cast<std::size_t>(backwards ? 59 - n : n);
      PatchKey const key{5, at / 2, at % 2};
      out[at] = augmented(augment, *from, sampler(key), key);
    });
    return out;
  };
  auto const once = all(1, false);
  EXPECT_EQ(once, all(4, true));
  for (std::size_t n = 1; n < once.size(); ++n) EXPECT_NE(once[n], once[n - 1]);
}

TEST(CutTurned, GivesTheSameInPartsAndAtOnce) {
  MadeCase const made{{20, 24, 26}, 2};
  auto const from = stored(made.to_store({8, 8, 8}));
  for (auto const& map : {turned_map({20, -30, 25}, 1.4), turned_in_plane(77, 0.8)}) {
    Kji const patch{9, 20, 13};
    AugmentOut whole{patch, 2};
    AugmentOut parts{patch, 2};
    cut_turned(*from, {0, {3, -2, 8}}, map, {patch, 2, whole.image, whole.labels});
    cut_turned(*from, {0, {3, -2, 8}}, map, {patch, 2, parts.image, parts.labels}, 300);
    for (std::size_t n = 0; n < whole.image.size(); ++n)
      ASSERT_NEAR(parts.image[n], whole.image[n], 1e-4);
    EXPECT_EQ(parts.labels, whole.labels);
  }
}

// How often, of many keys, an augmentation alone changes anything.
double augment_share(PatchAugment const& augment, StoredCase const& from) {
  auto const plain = augmented(augment_nothing(augment.patch), from, {0, {1, 1, 1}}, {});
  int changed = 0;
  constexpr int keys = 3000;
  for (std::uint64_t step = 0; step < keys; ++step)
    changed += augmented(augment, from, {0, {1, 1, 1}}, {8, step, 0}) != plain ? 1 : 0;
  return static_cast<double>(changed) / keys;
}

TEST(PatchAugment, DrawsEachAugmentationAsOftenAsNnunet) {
  MadeCase const made;
  auto const from = stored(made.to_store(), std::make_shared<ChunkCache>(1 << 20));
  Kji const patch{3, 4, 5};
  auto const nnunet = PatchAugment::like_nnunet(patch);
  struct Row {
    char const* name;
    double share;
    std::function<void(PatchAugment&)> on;
  };
  for (auto const& row : std::vector<Row>{
           {"turn", 0.2, [&](auto& a) { a.turn_chance = nnunet.turn_chance; }},
           {"scale", 0.2, [&](auto& a) { a.scale_chance = nnunet.scale_chance; }},
           {"noise", 0.1, [&](auto& a) { a.noise_chance = nnunet.noise_chance; }},
           {"blur", 0.1, [&](auto& a) { a.blur_chance = nnunet.blur_chance; }},
           {"brightness", 0.15,
            [&](auto& a) { a.brightness_chance = nnunet.brightness_chance; }},
           {"contrast", 0.15, [&](auto& a) { a.contrast_chance = nnunet.contrast_chance; }},
           {"inverted gamma", 0.1,
            [&](auto& a) { a.inverted_gamma_chance = nnunet.inverted_gamma_chance; }},
           {"gamma", 0.3, [&](auto& a) { a.gamma_chance = nnunet.gamma_chance; }},
           {"mirror", 0.875, [&](auto& a) { a.mirror = nnunet.mirror; }},
           {"nothing", 0, [](auto&) {}}}) {
    auto augment = augment_nothing(patch);
    row.on(augment);
    EXPECT_NEAR(augment_share(augment, *from), row.share, 0.03) << row.name;
  }
}

TEST(PatchAugment, DrawsLowResolutionAsOftenAsNnunet) {
  MadeCase const made{{12, 60, 60}};
  auto const from = stored(made.to_store(), std::make_shared<ChunkCache>(1 << 20));
  auto augment = augment_nothing({1, 50, 50});
  augment.low_resolution_chance = PatchAugment{}.low_resolution_chance;
  EXPECT_NEAR(augment_share(augment, *from), 0.125 * 0.99, 0.025);
}

// Factors as they come out of a patch whose values are known.
TEST(PatchAugment, DrawsBrightnessBetweenItsEndsAndHalfBelowOne) {
  MadeCase const made;
  auto const from = stored(made.to_store(), std::make_shared<ChunkCache>(1 << 20));
  auto augment = augment_nothing({2, 2, 2});
  auto const plain = augmented(augment, *from, {}, {});
  augment.brightness_chance = 1;
  std::vector<double> factors;
  for (std::uint64_t step = 0; step < 2000; ++step)
    factors.push_back(
        static_cast<double>(augmented(augment, *from, {}, {4, step, 0}).image[0]) /
        static_cast<double>(plain.image[0]));
  auto const [least, most] = std::ranges::minmax(factors);
  EXPECT_GE(least, 0.75 - 1e-6);
  EXPECT_LT(least, 0.76);
  EXPECT_LE(most, 1.25 + 1e-6);
  EXPECT_GT(most, 1.24);
  EXPECT_NEAR(
      static_cast<double>(std::ranges::count_if(factors, [](double f) { return f < 1; })), 1000,
      90);
  augment.brightness = {0.5, 2};
  int below = 0;
  for (std::uint64_t step = 0; step < 1000; ++step)
    below += augmented(augment, *from, {}, {4, step, 0}).image[0] / plain.image[0] < 1 ? 1 : 0;
  EXPECT_NEAR(below, 500, 65);
}

TEST(PatchAugment, ScalesWithinItsRangeWhileItTurns) {
  // A ball in the middle: how many of its voxels are seen says the scale.
  MadeCase made{{41, 41, 41}};
  for (std::int64_t k = 0, n = 0; k < 41; ++k)
    for (std::int64_t j = 0; j < 41; ++j)
      for (std::int64_t i = 0; i < 41; ++i, ++n) {
        auto const far = (k - 20) * (k - 20) + (j - 20) * (j - 20) + (i - 20) * (i - 20);
        made.labels[static_cast<std::size_t>(n)] = far <= 100 ? 1 : 0;
      }
  auto const from = stored(made.to_store(), std::make_shared<ChunkCache>(1 << 24));
  auto augment = augment_nothing({31, 31, 31});
  augment.turn_chance = augment.scale_chance = 1;
  auto const ball = std::ranges::count(made.labels, 1);
  std::vector<double> scales;
  for (std::uint64_t step = 0; step < 150; ++step) {
    auto const seen =
        std::ranges::count(augmented(augment, *from, {0, {5, 5, 5}}, {4, step, 0}).labels, 1);
    scales.push_back(std::cbrt(static_cast<double>(ball) / static_cast<double>(seen)));
  }
  auto const [least, most] = std::ranges::minmax(scales);
  EXPECT_NEAR(least, 0.7, 0.05);
  EXPECT_NEAR(most, 1.4, 0.05);
}

TEST(PatchAugment, OneSwitchedOffChangesNothingAboutTheOthers) {
  MadeCase const made;
  auto const from = stored(made.to_store());
  auto augment = augment_nothing({4, 5, 6});
  augment.mirror = {true, true, true};
  augment.brightness_chance = 0.5;
  for (std::uint64_t step = 0; step < 40; ++step) {
    PatchKey const key{3, step, 1};
    auto mirrored = augment;
    mirrored.brightness_chance = 0;
    EXPECT_EQ(augmented(augment, *from, {}, key).labels,
              augmented(mirrored, *from, {}, key).labels);
  }
}

TEST(PatchAugment, ClearsMaskedChannelsWhereTheLabelIsOutside) {
  MadeCase const made{{7, 9, 10}, 3};
  auto const from = stored(made.to_store());
  auto augment = augment_nothing({4, 5, 6});
  augment.masked_channels = {true, false};
  augment.brightness_chance = augment.gamma_chance = 1;
  auto const got = augmented(augment, *from, {0, {1, 1, -1}}, {1, 1, 1});
  // Columns i of the case: -1, 0 and 1 …; of these -1 lies beyond and 0 has the label -1.
  for (std::size_t n = 0; n < 120; ++n) {
    auto const outside = n % 6 < 2;
    EXPECT_EQ(got.image[n] == 0, outside) << n;
    EXPECT_GE(got.labels[n], 0);
  }
  EXPECT_NE(got.image[120 + 1], 0);
  EXPECT_NE(got.image[240 + 1], 0);

  AugmentOut alone{augment.patch, 3};
  augment(*from, {0, {1, 1, -1}}, {1, 1, 1}, {augment.patch, 3, alone.image, {}});
  EXPECT_EQ(alone.image, got.image);
}

TEST(PatchAugment, LeavesSlicesApartInThePlane) {
  // Each slice has one value: turned in the plane it keeps it wherever the case is reached.
  MadeCase made{{8, 30, 30}};
  for (std::size_t n = 0; n < made.image.size(); ++n)
    made.image[n] = static_cast<float>(1 + n / 900);
  auto const from = stored(made.to_store());
  auto augment = PatchAugment::like_nnunet({4, 16, 16});
  ASSERT_TRUE(augment.in_plane);
  auto only = augment_nothing({4, 16, 16});
  only.in_plane = true;
  only.turn_degrees = augment.turn_degrees;
  only.turn_chance = only.scale_chance = only.low_resolution_chance = 1;
  for (std::uint64_t step = 0; step < 50; ++step) {
    auto const got = augmented(only, *from, {0, {6, 7, 7}}, {2, step, 0});
    for (std::size_t n = 0; n < got.image.size(); ++n) {
      auto const k = n / 256;
      ASSERT_NEAR(got.image[n], k < 2 ? static_cast<float>(7 + k) : 0.0F, 1e-4);
    }
  }
}

TEST(PatchAugment, RefusesRoomOfAnotherSize) {
  MadeCase const made;
  auto const from = stored(made.to_store());
  auto const augment = augment_nothing({4, 5, 6});
  std::vector<float> image(120);
  std::vector<std::int16_t> labels(119);
  EXPECT_THROW(augment(*from, {}, {}, {{4, 5, 6}, 1, image, labels}), Error);
  EXPECT_THROW(augment(*from, {}, {}, {{4, 5, 6}, 2, image, {}}), Error);
  EXPECT_THROW(augment(*from, {}, {}, {{5, 4, 6}, 1, image, {}}), Error);
  EXPECT_NO_THROW(augment(*from, {}, {}, {{4, 5, 6}, 1, image, {}}));
}

}  // namespace
}  // namespace fovea
