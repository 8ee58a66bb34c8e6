#include "learn/data/mask_quality.hpp"

#include "base/core/rng.hpp"
#include "base/core/words.hpp"
#include "learn/data/layout.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace fovea {
namespace {

constexpr std::int64_t ball_side = 20;

// A bright ball in noise, its middle and noise by seed, and its mask of two halves.
struct Ball {
  Volume image, mask;
};

Ball ball_of(std::uint64_t seed, double scale = 1) {
  Rng rng{seed};
  auto const grid = upright({ball_side, ball_side, ball_side}, {{1, 1, 1.5}});
  Ball out{Volume{grid, Type::f32}, Volume{grid, Type::u8}};
  std::array<double, 3> middle{};
  for (auto& at : middle) at = 6 + static_cast<double>(rng.below(4));
  auto const image = out.image.write<float>();
  auto const mask = out.mask.write<std::uint8_t>();
  for (std::int64_t at = 0; at < out.image.voxels(); ++at) {
    auto const i = static_cast<double>(at % ball_side) - middle[0];
    auto const j = static_cast<double>(at / ball_side % ball_side) - middle[1];
    auto const k = static_cast<double>(at / (ball_side * ball_side)) - middle[2];
    auto const inside = i * i + j * j + k * k < 25;
    auto const noise = static_cast<double>(rng.below(1000)) / 1000;
    image[static_cast<std::size_t>(at)] =
        static_cast<float>(scale * ((inside ? 4 : 2) + noise));
    mask[static_cast<std::size_t>(at)] =
        static_cast<std::uint8_t>(inside ? (i < 0 ? 1 : 2) : 0);
  }
  return out;
}

Volume mirrored(Volume const& of) {
  Volume out{of.grid(), of.type()};
  auto const from = of.as<std::uint8_t>();
  std::ranges::reverse_copy(from, out.write<std::uint8_t>().begin());
  return out;
}

// Twelve balls in memory.
struct BallSet {
  std::vector<Ball> balls;
  Dataset set;

  BallSet() {
    set.masks = true;
    set.labels = {{"left", {1}, 1}, {"right", {2}, 2}};
    for (std::size_t i = 0; i < 12; ++i) {
      balls.push_back(ball_of(i + 1));
      set.cases.push_back({.id = text("case ", i),
                           .split = i < 9 ? Split::train : Split::test,
                           .image = {.file = "i", .row = static_cast<std::int64_t>(i)},
                           .mask = {.file = "m", .row = static_cast<std::int64_t>(i)}});
    }
  }
  MaskReport look(int threads = 1) {
    set.rows = [this](Location const& at) {
      return balls.at(static_cast<std::size_t>(at.row)).image;
    };
    set.drawn = [this](Location const& at, Grid const&) {
      return balls.at(static_cast<std::size_t>(at.row)).mask;
    };
    return mask_quality(set, threads);
  }
};

std::vector<std::string> kinds_of(MaskReport const& report) {
  std::vector<std::string> kinds;
  for (auto const& problem : report.problems) kinds.push_back(problem.kind);
  std::ranges::sort(kinds);
  return kinds;
}

Problem the_only(MaskReport const& report, std::string_view kind) {
  std::vector<Problem> found;
  for (auto const& problem : report.problems) {
    if (problem.kind == kind) found.push_back(problem);
  }
  EXPECT_EQ(found.size(), 1U) << kind;
  EXPECT_EQ(report.problems.size(), found.size());
  return found.empty() ? Problem{} : found.front();
}

using Cases = std::vector<std::size_t>;

fs::path shared_masks(std::string const& name) {
  auto const* const data = std::getenv("FOVEA_DATA");
  return (data != nullptr ? fs::path{data} : fs::path{FOVEA_SOURCE_DIR} / "../shared/data") /
         name;
}

}  // namespace

TEST(MaskQuality, FindsNothingInASetWithoutFaults) {
  BallSet balls;
  auto const report = balls.look();
  EXPECT_EQ(kinds_of(report), std::vector<std::string>{});
  auto const& one = report.masks[3];
  EXPECT_TRUE(one.usable());
  EXPECT_EQ(one.size, (std::array<std::int64_t, 3>{ball_side, ball_side, ball_side}));
  ASSERT_EQ(one.voxels.size(), 2U);
  EXPECT_GT(one.voxels[0], 100);
  EXPECT_DOUBLE_EQ(one.volumes[0], 1.5 * static_cast<double>(one.voxels[0]));
  EXPECT_GT(one.edges.value(), 0.5);
  EXPECT_GT(one.inside.value(), 1);
}

TEST(MaskQuality, DoesNotDependOnThreads) {
  BallSet balls;
  auto const one = balls.look(1);
  auto const four = balls.look(4);
  for (std::size_t i = 0; i < one.masks.size(); ++i) {
    EXPECT_EQ(one.masks[i].edges, four.masks[i].edges);
    EXPECT_EQ(one.masks[i].hash, four.masks[i].hash);
  }
}

TEST(MaskQuality, FindsAMaskThatWasFlipped) {
  BallSet balls;
  balls.balls[4].mask = mirrored(balls.balls[4].mask);
  // What it shows is another brightness, too.
  auto const report = balls.look();
  auto const off = std::ranges::find(report.problems, "mask-off-edges", &Problem::kind);
  ASSERT_NE(off, report.problems.end());
  EXPECT_EQ(off->cases, Cases{4});
}

TEST(MaskQuality, SaysWhyAMaskCannotBeUsed) {
  struct Row {
    std::string_view kind;
    Volume mask;
  };
  auto const good = ball_of(5).mask;
  auto moved = good.grid();
  moved.origin.mm[2] = 4;
  Volume fraction{good.grid(), Type::f32};
  fraction.write<float>()[0] = 0.5F;
  Volume nan{good.grid(), Type::f32};
  nan.write<float>()[0] = std::nanf("");
  Volume stranger{good.grid(), Type::u8};
  stranger.write<std::uint8_t>()[0] = 9;
  Volume below{good.grid(), Type::i8};
  below.write<std::int8_t>()[0] = -1;
  for (auto const& row : std::initializer_list<Row>{
           {"grid-differs", Volume{moved, Type::u8}},
           {"non-integer-label", fraction},
           {"mask-not-finite", nan},
           {"undeclared-label", stranger},
           {"negative-label", below},
           {"mask-unreadable", Volume{good.grid(), Type::u8, Unit::arbitrary, 2}}}) {
    BallSet balls;
    balls.balls[4].mask = row.mask;
    auto const problem = the_only(balls.look(), row.kind);
    EXPECT_EQ(problem.cases, Cases{4});
    EXPECT_NE(problem.message.find("case 4"), std::string::npos) << problem.message;
  }
}

TEST(MaskQuality, FindsEmptyMasksTinyPartsAndThinCases) {
  BallSet balls;
  balls.balls[2].mask = Volume{balls.balls[2].mask.grid(), Type::u8};
  EXPECT_EQ(the_only(balls.look(), "empty-mask").cases, Cases{2});
  balls = {};
  balls.balls[3].mask.write<std::uint8_t>()[0] = 2;
  EXPECT_EQ(the_only(balls.look(), "tiny-component").cases, Cases{3});
  balls = {};
  auto const thin = upright({400, 20, 1}, {{1, 1, 1.5}});
  balls.balls[5] = {Volume{thin, Type::f32, Unit::arbitrary, 1, balls.balls[5].image.bytes()},
                    Volume{thin, Type::u8, Unit::arbitrary, 1, balls.balls[5].mask.bytes()}};
  auto const kinds = kinds_of(balls.look());
  EXPECT_TRUE(std::ranges::binary_search(kinds, "one-voxel-thick"));
}

TEST(MaskQuality, FindsOddSpacingsIntensitiesAndChannels) {
  BallSet balls;
  auto const wide = upright({ball_side, ball_side, ball_side}, {{1, 1, 5}});
  auto& one = balls.balls[1];
  one = {Volume{wide, Type::f32, Unit::arbitrary, 1, one.image.bytes()},
         Volume{wide, Type::u8, Unit::arbitrary, 1, one.mask.bytes()}};
  EXPECT_EQ(the_only(balls.look(), "odd-spacing").cases, Cases{1});

  balls = {};
  for (auto& voxel : balls.balls[6].image.write<float>()) voxel = -voxel;
  EXPECT_EQ(the_only(balls.look(), "odd-intensity").cases, Cases{6});
  balls = {};
  balls.set.channels = {"CT"};
  for (auto& voxel : balls.balls[6].image.write<float>()) voxel += 1000;
  EXPECT_EQ(the_only(balls.look(), "odd-intensity").cases, Cases{6});
  balls = {};
  for (std::size_t i = 0; i < 6; ++i) balls.balls[i] = ball_of(i + 1, 1000);
  EXPECT_TRUE(the_only(balls.look(), "mixed-scale").cases.empty());

  balls = {};
  auto const& first = balls.balls[7].image;
  Volume twice{first.grid(), Type::f32, Unit::arbitrary, 2};
  std::ranges::copy(first.as<float>(), twice.write_channel<float>(0).begin());
  std::ranges::copy(first.as<float>(), twice.write_channel<float>(1).begin());
  balls.balls[7].image = twice;
  EXPECT_EQ(the_only(balls.look(), "odd-channels").cases, Cases{7});
}

TEST(MaskQuality, FindsCopiesAndWhatTheyContradict) {
  BallSet balls;
  balls.balls[11] = balls.balls[0];
  auto const copy = the_only(balls.look(), "duplicate-across-splits");
  EXPECT_TRUE(copy.severe);
  EXPECT_EQ(copy.cases, (Cases{0, 11}));
  Volume other{balls.balls[0].mask.grid(), Type::u8};
  std::ranges::copy(balls.balls[0].mask.as<std::uint8_t>(),
                    other.write<std::uint8_t>().begin());
  for (auto& voxel : other.write<std::uint8_t>()) voxel = voxel == 1 ? 2 : voxel;
  balls.balls[11].mask = other;
  EXPECT_TRUE(std::ranges::binary_search(kinds_of(balls.look()), "conflicting-labels"));
}

TEST(MaskQuality, NamesLabelsThatNobodyCanLearn) {
  BallSet balls;
  balls.set.labels.push_back({"ghost", {3}, 3});
  auto const ghost = the_only(balls.look(), "unseen-label");
  EXPECT_TRUE(ghost.severe);
  EXPECT_NE(ghost.message.find("in no mask"), std::string::npos);
  balls.set.labels.back() = {"both", {1, 2}, 3};
  auto report = balls.look();
  EXPECT_TRUE(report.problems.empty());
  EXPECT_EQ(report.masks[0].voxels[2], report.masks[0].voxels[0] + report.masks[0].voxels[1]);
  note_presence(balls.set, report.masks);
  EXPECT_EQ(balls.set.cases[0].labels, (std::vector<std::int32_t>{1, 1, 1}));
}

TEST(MaskQuality, ReportsAnImageThatCannotBeReadAndGoesOn) {
  BallSet balls;
  balls.set.cases[2].image.row = 99;
  balls.set.rows = {};
  balls.set.drawn = {};
  auto const all = balls.balls;
  balls.set.rows = [all](Location const& at) -> Volume {
    if (at.row == 99) throw Error{Fault::input, "it is damaged", "copy it again"};
    return all.at(static_cast<std::size_t>(at.row)).image;
  };
  balls.set.drawn = [all](Location const& at, Grid const&) {
    return all.at(static_cast<std::size_t>(at.row)).mask;
  };
  auto const report = mask_quality(balls.set, 2);
  EXPECT_EQ(the_only(report, "unreadable").cases, Cases{2});
}

TEST(EdgeContrast, IsNothingWithoutASurface) {
  auto const ball = ball_of(1);
  Volume const empty{ball.mask.grid(), Type::u8};
  EXPECT_FALSE(edge_contrast(ball.image, empty));
  Volume const even{ball.mask.grid(), Type::f32};
  EXPECT_FALSE(edge_contrast(even, ball.mask));
  EXPECT_GT(edge_contrast(ball.image, ball.mask).value(), 0.5);
  EXPECT_FALSE(edge_contrast(ball.image, mirrored(empty), 1));
}

TEST(GivenMasks, OfHippocampusFollowEdgesUntilTheyAreFlipped) {
  auto const root = shared_masks("hippocampus-3d");
  if (!fs::is_directory(root)) GTEST_SKIP() << "no " << root;
  auto set = read_dataset(root);
  auto const report = mask_quality(set, 2);
  for (auto const& problem : report.problems)
    EXPECT_NE(problem.kind, "mask-off-edges") << problem.message;
  // Each eighth mask as it would be with its slices in the wrong order.
  set.drawn = [&](Location const& at, Grid const& grid) {
    auto plain = set;
    plain.drawn = {};
    auto const mask = plain.mask({.id = "x", .mask = {.file = at.file}}, grid).voxels;
    return at.row == 1 ? mirrored(mask) : mask;
  };
  std::size_t flipped = 0;
  for (std::size_t i = 0; i < set.cases.size(); i += 8, ++flipped) set.cases[i].mask.row = 1;
  auto const turned = mask_quality(set, 2);
  std::size_t found = 0;
  for (auto const& problem : turned.problems) {
    if (problem.kind != "mask-off-edges") continue;
    for (auto const at : problem.cases) {
      EXPECT_EQ(at % 8, 0U);
      ++found;
    }
  }
  EXPECT_GT(found, flipped * 3 / 4) << "of " << flipped;
}

}  // namespace fovea
