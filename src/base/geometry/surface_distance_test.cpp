#include "base/geometry/surface_distance.hpp"

#include "base/geometry/made/measures.hpp"
#include "base/geometry/overlap.hpp"
#include "base/geometry/same_grid.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace fovea {
namespace {

TEST(SurfaceDistances, AreWhatMonaiAndScipySay) {
  auto const made = made_measures();
  ASSERT_EQ(made["cases"].size(), 20U);
  for (auto const& each : made["cases"]) {
    SCOPED_TRACE(each.dump());
    auto const grid = made_grid(each);
    auto const a = made_mask(grid, each["a"]);
    auto const b = made_mask(grid, each["b"]);
    SurfaceOptions options{.tolerance_mm = each["tolerance"], .threads = 1};
    auto const out = surface_distances(a, b, options);
    EXPECT_EQ(out.surface_a, each["surface_a"]);
    EXPECT_EQ(out.surface_b, each["surface_b"]);
    constexpr auto near = 1e-5;
    EXPECT_NEAR(out.hausdorff.value(), each["hausdorff"], near);
    EXPECT_NEAR(out.percentile.value(), each["hd95"], near);
    EXPECT_NEAR(out.mean.value(), each["mean"], near);
    EXPECT_NEAR(out.mean_a_to_b.value(), each["mean_a_to_b"], near);
    EXPECT_NEAR(out.mean_b_to_a.value(), each["mean_b_to_a"], near);
    EXPECT_NEAR(out.dice.value(), each["dice"], 1e-12);
    options.threads = 3;
    EXPECT_EQ(surface_distances(a, b, options).mean, out.mean);
    EXPECT_EQ(overlap_of(a, b).both, each["both"]);
  }
}

// A slab one voxel thick in a volume is all surface, in a picture only its rim is.
TEST(SurfaceDistances, TellASlabInAVolumeFromAPicture) {
  Volume slab{upright({5, 5, 3}, {}), Type::u8}, picture{upright({5, 5, 1}, {}), Type::u8};
  std::ranges::fill(slab.write<std::uint8_t>().subspan(25, 25), std::uint8_t{1});
  std::ranges::fill(picture.write<std::uint8_t>(), std::uint8_t{1});
  EXPECT_EQ(surface_distances(slab, slab).surface_a, 25);
  EXPECT_EQ(surface_distances(picture, picture).surface_a, 16);
}

TEST(SurfaceDistances, OfEqualMasksAreNothing) {
  auto const grid = upright({9, 8, 7}, {{1, 2, 3}});
  auto const mask = made_mask(grid, Json::parse(R"(["noise", 1, 3])"));
  auto const out = surface_distances(mask, mask);
  EXPECT_EQ(out.hausdorff, 0);
  EXPECT_EQ(out.percentile, 0);
  EXPECT_EQ(out.mean, 0);
  EXPECT_EQ(out.dice, 1);
}

TEST(SurfaceDistances, OfAnEmptyMaskAreNoneAndNeverZero) {
  auto const grid = upright({9, 8, 7}, {});
  Volume const empty{grid, Type::u8};
  auto const full = made_mask(grid, Json::parse(R"(["noise", 1, 3])"));
  for (auto const& [a, b] : {std::pair{empty, full}, std::pair{full, empty}}) {
    auto const out = surface_distances(a, b);
    EXPECT_FALSE(out.hausdorff || out.percentile || out.mean || out.mean_a_to_b ||
                 out.mean_b_to_a);
    EXPECT_EQ(out.dice, 0);
    EXPECT_EQ(overlap_of(a, b).dice(), 0);
    EXPECT_EQ(overlap_of(a, b).jaccard(), 0);
  }
  auto const none = surface_distances(empty, empty);
  EXPECT_FALSE(none.hausdorff || none.percentile || none.mean || none.dice);
  EXPECT_FALSE(overlap_of(empty, empty).dice());
  EXPECT_FALSE(overlap_of(full, empty).sensitivity());
  EXPECT_FALSE(overlap_of(empty, full).precision());
  EXPECT_FALSE(overlap_of(full, empty).volume_difference());
}

TEST(SurfaceDistances, RefuseWhatHasNoAnswer) {
  auto const grid = upright({9, 8, 7}, {});
  Volume const mask{grid, Type::u8};
  auto moved = grid;
  moved.origin.mm[1] = 0.25;
  try {
    surface_distances(mask, Volume{moved, Type::u8});
    FAIL();
  } catch (Error const& error) {
    EXPECT_NE(std::string{error.what()}.find("0.25 mm apart"), std::string::npos);
  }
  EXPECT_THROW(surface_distances(mask, Volume{upright({9, 8, 6}, {}), Type::u8}), Error);
  EXPECT_THROW(surface_distances(mask, mask, {.percentile = 101}), Error);
  EXPECT_THROW(surface_distances(mask, mask, {.tolerance_mm = -1}), Error);
  auto slanted = grid;
  slanted.axes[2].mm = {0, 0.3, 1};
  EXPECT_THROW(surface_distances(Volume{slanted, Type::u8}, Volume{slanted, Type::u8}), Error);
}

TEST(Overlap, CountsVoxelsInsideBoth) {
  auto const grid = upright({4, 1, 1}, {});
  Volume a{grid, Type::u8}, b{grid, Type::u8};
  std::ranges::copy(std::array<std::uint8_t, 4>{1, 1, 0, 0}, a.write<std::uint8_t>().begin());
  std::ranges::copy(std::array<std::uint8_t, 4>{0, 1, 1, 1}, b.write<std::uint8_t>().begin());
  auto const out = overlap_of(a, b);
  EXPECT_DOUBLE_EQ(out.dice().value(), 0.4);
  EXPECT_DOUBLE_EQ(out.jaccard().value(), 0.25);
  EXPECT_DOUBLE_EQ(out.sensitivity().value(), 1.0 / 3);
  EXPECT_DOUBLE_EQ(out.precision().value(), 0.5);
  EXPECT_DOUBLE_EQ(out.volume_difference().value(), -1.0 / 3);
}

TEST(PercentileOf, LiesBetweenRanksAsNumpys) {
  std::array values{4.0, 1.0, 3.0, 2.0};
  EXPECT_DOUBLE_EQ(percentile_of(values, 0), 1);
  EXPECT_DOUBLE_EQ(percentile_of(values, 50), 2.5);
  EXPECT_DOUBLE_EQ(percentile_of(values, 95), 3.85);
  EXPECT_DOUBLE_EQ(percentile_of(values, 100), 4);
  EXPECT_THROW(percentile_of({}, 50), Error);
}

TEST(SamePlaces, AllowsWhatFilesRound) {
  auto const grid = upright({100, 100, 50}, {{0.7, 0.7, 5}}, {{-180, -170, 1000}});
  auto other = grid;
  EXPECT_EQ(apart_mm(grid, other), 0);
  other.origin.mm[0] += 0.006;
  EXPECT_TRUE(same_places(grid, other));
  other.axes[0].mm[0] += 1e-4;  // grows to 0.0099 mm more over the row
  EXPECT_FALSE(same_places(grid, other));
  EXPECT_NEAR(apart_mm(grid, other).value(), 0.0159, 1e-9);
  other.size[0] = 99;
  EXPECT_FALSE(apart_mm(grid, other));
}

TEST(OffsetIn, FindsPartsOfOneImage) {
  auto whole = upright({10, 10, 10}, {{0.7, 0.7, 5}}, {{-180, -170, 1000}});
  whole.axes[2].mm = {0, 1, 4.5};
  auto part = whole;
  part.size = {3, 4, 20};
  part.origin = whole.point_of({{2, -1, 7}});
  EXPECT_EQ(offset_in(whole, part), (std::array<std::int64_t, 3>{2, -1, 7}));
  part.origin.mm[0] += 0.1;
  EXPECT_FALSE(offset_in(whole, part));
  part.origin.mm[0] -= 0.1;
  part.axes[2].mm = {0, 0, 4.5};
  EXPECT_FALSE(offset_in(whole, part));
}

}  // namespace
}  // namespace fovea
