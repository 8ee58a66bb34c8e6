#include "learn/patch/patch_sampler.hpp"

#include "base/core/error.hpp"
#include "learn/patch/made/made_case.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace fovea {
namespace {

using SamplerCases = std::vector<std::shared_ptr<StoredCase const>>;

SamplerCases sampler_cases(std::size_t count) {
  SamplerCases cases;
  for (std::size_t n = 0; n < count; ++n) cases.push_back(stored(MadeCase{}.to_store()));
  return cases;
}

PatchSampling sampler_small() {
  PatchSampling sampling;
  sampling.patch = {3, 4, 5};
  sampling.box = {4, 5, 6};
  return sampling;
}

// Whether a patch has a voxel of one of these labels.
bool sampler_holds(StoredCase const& from,
                   PatchPlace const& place,
                   Kji const& patch,
                   LabelSet const& wanted) {
  std::vector<std::int16_t> labels(static_cast<std::size_t>(voxels_of(patch)));
  from.read_labels({place.from, patch}, labels);
  return std::ranges::find_first_of(labels, wanted) != labels.end();
}

TEST(PatchSampler, ForcesTheLastThirdOfABatchOntoForeground) {
  for (auto const& [batch, first] :
       std::map<std::int64_t, std::uint64_t>{{1, 1}, {2, 1}, {3, 2}, {12, 8}, {9, 6}}) {
    auto sampling = sampler_small();
    sampling.batch = batch;
    PatchSampler const sampler{sampling, sampler_cases(2)};
    for (std::uint64_t step = 0; step < 20; ++step)
      for (std::uint64_t index = 0; index < static_cast<std::uint64_t>(batch); ++index)
        EXPECT_EQ(sampler({1, step, index}).on_class >= 0, index >= first) << batch;
  }
}

TEST(PatchSampler, CentresOnAClassDrawnEvenlyFromThosePresent) {
  auto sampling = sampler_small();
  sampling.patch = {1, 2, 3};
  PatchSampler const sampler{sampling, sampler_cases(1)};
  std::map<int, int> seen;
  std::set<Kji> places;
  for (std::uint64_t step = 0; step < 3000; ++step) {
    auto const place = sampler({2, step, 1});
    ++seen[place.on_class];
    places.insert(place.from);
    ASSERT_TRUE(sampler_holds(sampler.at(0), place, sampling.patch,
                              {static_cast<std::int16_t>(place.on_class + 1)}));
  }
  ASSERT_EQ(seen.size(), 3U);
  for (auto const& [which, count] : seen) EXPECT_NEAR(count, 1000, 110) << which;
  EXPECT_GT(places.size(), 200U);
}

TEST(PatchSampler, MovesForcedPatchesInAtBothBordersOrAtTheLowerOnly) {
  auto sampling = sampler_small();
  sampling.box = sampling.patch;
  for (auto const inside : {true, false}) {
    sampling.inside = inside;
    PatchSampler const sampler{sampling, sampler_cases(1)};
    Kji least{9, 9, 9};
    Kji most{-9, -9, -9};
    for (std::uint64_t step = 0; step < 1000; ++step) {
      auto const from = sampler({2, step, 1}).from;
      for (std::size_t d = 0; d < 3; ++d) {
        least[d] = std::min(least[d], from[d]);
        most[d] = std::max(most[d], from[d]);
      }
    }
    EXPECT_EQ(least, (Kji{0, 0, 0}));
    EXPECT_EQ(most, inside ? (Kji{4, 5, 5}) : (Kji{5, 6, 7}));
  }
}

TEST(PatchSampler, PlacesAnywhereWhereNoForegroundIs) {
  MadeCase const made;
  auto given = made.to_store();
  given.classes = {{9}};
  PatchSampler const sampler{sampler_small(), {stored(given)}};
  std::set<Kji> places;
  for (std::uint64_t step = 0; step < 200; ++step) {
    auto const place = sampler({2, step, 1});
    EXPECT_EQ(place.on_class, -1);
    places.insert(place.from);
  }
  EXPECT_GT(places.size(), 40U);
}

TEST(PatchSampler, StaysOnWhatIsAnnotatedWhereAnIgnoreLabelIs) {
  MadeCase const made;
  auto given = made.to_store();
  given.annotated = {0, 1};
  auto sampling = sampler_small();
  sampling.patch = {1, 1, 1};
  PatchSampler const sampler{sampling, {stored(given)}};
  for (std::uint64_t step = 0; step < 300; ++step) {
    auto const place = sampler({2, step, 0});
    EXPECT_EQ(place.on_class, 3);
    EXPECT_TRUE(sampler_holds(sampler.at(0), place, sampling.patch, {0, 1}));
    EXPECT_LT(sampler({2, step, 1}).on_class, 3);
  }
}

TEST(PatchSampler, ForcesEachSampleByChanceIfAsked) {
  auto sampling = sampler_small();
  sampling.by_chance = true;
  PatchSampler const sampler{sampling, sampler_cases(1)};
  int forced = 0;
  for (std::uint64_t step = 0; step < 4000; ++step)
    forced += sampler({5, step, 0}).on_class >= 0 ? 1 : 0;
  EXPECT_NEAR(forced, 1320, 120);
}

TEST(PatchSampler, TakesEachCaseOnceBeforeAnyAgain) {
  auto sampling = sampler_small();
  sampling.batch = 3;
  PatchSampler const sampler{sampling, sampler_cases(7)};
  std::vector<std::size_t> order;
  for (std::uint64_t step = 0; step < 70; ++step)
    for (std::uint64_t index = 0; index < 3; ++index)
      order.push_back(sampler({4, step, index}).at_case);
  std::set<std::vector<std::size_t>> orders;
  for (std::size_t first = 0; first < order.size(); first += 7) {
    std::vector<std::size_t> const round{
        order.begin() + static_cast<std::ptrdiff_t>(first),
        order.begin() + static_cast<std::ptrdiff_t>(first + 7)};
    EXPECT_EQ(std::set<std::size_t>(round.begin(), round.end()).size(), 7U);
    orders.insert(round);
  }
  EXPECT_GT(orders.size(), 25U) << "the order is another in each round";
}

TEST(PatchSampler, DrawsCasesAnewIfAsked) {
  auto sampling = sampler_small();
  sampling.equally_often = false;
  PatchSampler const sampler{sampling, sampler_cases(5)};
  std::map<std::size_t, int> seen;
  for (std::uint64_t step = 0; step < 5000; ++step) ++seen[sampler({4, step, 0}).at_case];
  for (auto const& [which, count] : seen) EXPECT_NEAR(count, 1000, 115) << which;
  EXPECT_EQ(seen.size(), 5U);
}

TEST(PatchSampler, TakesSlicesOutOfAVolumeForA2DPatch) {
  PatchSampling sampling;
  sampling.patch = {1, 6, 6};
  sampling.box = {1, 9, 9};
  PatchSampler const sampler{sampling, sampler_cases(1)};
  std::map<std::int64_t, int> slices;
  for (std::uint64_t step = 0; step < 2000; ++step) {
    ++slices[sampler({6, step, 0}).from[0]];
    auto const forced = sampler({6, step, 1});
    EXPECT_GE(forced.from[0], 0);
    EXPECT_LT(forced.from[0], 7);
  }
  ASSERT_EQ(slices.size(), 7U);
  EXPECT_EQ(slices.begin()->first, 0);
  for (auto const& [slice, count] : slices) EXPECT_NEAR(count, 286, 75) << slice;
}

TEST(PatchSampler, GivesTheSameForTheSameKeyOnly) {
  PatchSampler const sampler{sampler_small(), sampler_cases(3)};
  PatchSampler const other{sampler_small(), sampler_cases(3)};
  std::set<Kji> places;
  for (std::uint64_t n = 0; n < 50; ++n) {
    auto const place = sampler({n, 1, 0});
    EXPECT_EQ(place.from, other({n, 1, 0}).from);
    EXPECT_EQ(place.at_case, other({n, 1, 0}).at_case);
    places.insert(place.from);
  }
  EXPECT_GT(places.size(), 20U);
}

TEST(PatchSampler, RefusesWhatCannotBe) {
  EXPECT_THROW((PatchSampler{sampler_small(), {}}), Error);
  auto sampling = sampler_small();
  sampling.box[1] = 3;
  EXPECT_THROW((PatchSampler{sampling, sampler_cases(1)}), Error);
  EXPECT_THROW((PatchSampler{PatchSampling{}, sampler_cases(1)}), Error);
}

}  // namespace
}  // namespace fovea
