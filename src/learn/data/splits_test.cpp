#include "learn/data/layout.hpp"
#include "learn/data/make_sets.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

namespace fovea {
namespace {

std::size_t splits_of_class(Dataset const& set, Split split, std::size_t c) {
  return static_cast<std::size_t>(std::ranges::count_if(
      set.cases, [&](Case const& one) { return one.split == split && set.is(one, c); }));
}

bool splits_part_nobody(Dataset const& set) {
  std::map<std::string, Split> seen;
  return std::ranges::all_of(set.cases, [&](Case const& one) {
    return one.patient.empty() ||
           seen.try_emplace(one.patient, one.split).first->second == one.split;
  });
}

TEST(Splits, HaveTheirSharesOfEveryClassAndNeverPartAPatient) {
  for (auto const seed : {1U, 2U, 99U}) {
    auto set = paper_set(900, 3, 300);
    assign_splits(set, seed);
    EXPECT_TRUE(splits_part_nobody(set));
    for (std::size_t c = 0; c < 3; ++c) {
      EXPECT_NEAR(static_cast<double>(splits_of_class(set, Split::test, c)), 45, 3)
          << "seed " << seed;
      EXPECT_NEAR(static_cast<double>(splits_of_class(set, Split::validation, c)), 45, 3);
    }
    EXPECT_TRUE(set.in(Split::unassigned).empty());
    EXPECT_NE(set.notes.back().find("by patient (300 patients"), std::string::npos);
  }
}

TEST(Splits, FollowTheSeed) {
  auto const of = [](std::uint64_t seed) {
    auto set = paper_set(100, 2, 0);
    assign_splits(set, seed);
    return set.in(Split::test);
  };
  EXPECT_EQ(of(3), of(3));
  EXPECT_NE(of(3), of(4));
}

TEST(Splits, OfSmallSetsHaveEveryClassInTrainFirstAndWithThreePatientsEverywhere) {
  for (std::size_t cases = 2; cases <= 24; ++cases) {
    for (int classes = 1; classes <= 4; ++classes) {
      auto set = paper_set(cases, classes, 0);
      assign_splits(set, cases);
      for (std::size_t c = 0; c < set.classes.size(); ++c) {
        auto const train = splits_of_class(set, Split::train, c);
        auto const all = train + splits_of_class(set, Split::validation, c) +
                         splits_of_class(set, Split::test, c);
        EXPECT_TRUE(all == 0 || train > 0) << cases << " cases, " << classes << " classes";
        if (all < 3) continue;
        EXPECT_GT(splits_of_class(set, Split::validation, c), 0U)
            << cases << " cases, " << classes << " classes";
        EXPECT_GT(splits_of_class(set, Split::test, c), 0U)
            << cases << " cases, " << classes << " classes";
      }
    }
  }
}

TEST(Splits, ThatAreGivenAreKeptAndMissingOnesAreCutFromTrain) {
  auto set = paper_set(100, 2, 50);
  for (std::size_t i = 0; i < 100; ++i)
    set.cases[i].split = i % 50 < 10 ? Split::test : Split::train;
  auto const test = set.in(Split::test);
  assign_splits(set, 1);
  EXPECT_EQ(set.in(Split::test), test);
  EXPECT_EQ(set.in(Split::validation).size(), 12U);
  EXPECT_TRUE(splits_part_nobody(set));
  EXPECT_NE(set.notes.back().find("no val split is given"), std::string::npos);
}

TEST(Splits, ThatAreWholeStayAsTheyAre) {
  auto set = paper_set(30, 2, 0);
  for (std::size_t i = 0; i < 30; ++i) set.cases[i].split = all_splits[i % 3];
  auto const before = set.in(Split::train);
  assign_splits(set, 1);
  EXPECT_EQ(set.in(Split::train), before);
  EXPECT_TRUE(set.notes.empty());
}

TEST(Splits, OfCasesWithoutOneFollowTheirPatient) {
  auto set = paper_set(40, 2, 20);
  for (std::size_t i = 0; i < 20; ++i) set.cases[i].split = all_splits[i % 3];
  assign_splits(set, 1);
  EXPECT_TRUE(splits_part_nobody(set));
}

TEST(Splits, OfCasesWithoutOneFollowThoseTheyAreKeptTogetherWithButTheirPatientFirst) {
  auto set = paper_set(8, 2, 0);
  set.cases[0].split = Split::train;
  set.cases[1].split = Split::validation;
  set.cases[2].split = Split::test;
  set.cases[3].together = set.cases[1].together = "a";
  set.cases[4].patient = set.cases[2].patient = "p";
  set.cases[4].together = "a";
  // Only the second of this patient is like anything, and the first comes with it.
  set.cases[5].patient = set.cases[6].patient = "q";
  set.cases[6].together = "a";
  assign_splits(set, 1);
  EXPECT_EQ(set.in(Split::train), (std::vector<std::size_t>{0, 7}));
  EXPECT_EQ(set.in(Split::validation), (std::vector<std::size_t>{1, 3, 5, 6}));
  EXPECT_EQ(set.in(Split::test), (std::vector<std::size_t>{2, 4}));
}

TEST(Splits, PartNeitherPatientsNorWhatIsKeptTogetherNorChainsOfBoth) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    auto set = paper_set(60, 1, 30);
    // The second image of each of ten patients is like the first of the next one.
    for (std::size_t i = 0; i < 10; ++i)
      set.cases[i + 30].together = set.cases[i + 1].together = text("like ", i);
    assign_splits(set, seed);
    for (std::size_t i = 1; i <= 10; ++i) EXPECT_EQ(set.cases[i].split, set.cases[0].split);
    EXPECT_TRUE(splits_part_nobody(set));
    EXPECT_NE(set.notes.back().find("by patient (30 patients, never parted), images kept"),
              std::string::npos);
    std::vector<std::size_t> among(60);
    std::iota(among.begin(), among.end(), 0U);
    auto const folds = folds_of(set, among, 4, seed);
    for (std::size_t i = 1; i <= 10; ++i) EXPECT_EQ(folds[i], folds[0]);
    EXPECT_THROW(folds_of(set, among, 21, seed), Error);  // 11 patients are one group
  }
}

TEST(Splits, OfSeveralLabelsKeepRareOnesInTrain) {
  Dataset set = paper_set(60, 1, 0);
  set.multi_label = true;
  set.classes = {"common", "rare", "very rare"};
  for (std::size_t i = 0; i < 60; ++i)
    set.cases[i].labels = {static_cast<std::int32_t>(i % 2), i < 5 ? 1 : 0,
                           i == 7 ? 1 : unknown};
  assign_splits(set, 5);
  for (auto const split : all_splits) EXPECT_GT(splits_of_class(set, split, 1), 0U);
  EXPECT_EQ(splits_of_class(set, Split::train, 2), 1U);
  EXPECT_NEAR(static_cast<double>(splits_of_class(set, Split::test, 0)), 4.5, 2);
}

TEST(Splits, WithSharesThatLeaveNothingToLearnFromAreRefused) {
  auto set = paper_set(10, 2, 0);
  EXPECT_THROW(assign_splits(set, 1, {.validation = 0.5, .test = 0.5}), Error);
  EXPECT_THROW(assign_splits(set, 1, {.validation = -0.1, .test = 0.5}), Error);
}

TEST(Folds, AreOfEqualSizeWithEveryClassAndPartNoPatient) {
  auto const set = paper_set(120, 3, 60);
  std::vector<std::size_t> among(120);
  std::iota(among.begin(), among.end(), 0U);
  auto const folds = folds_of(set, among, 5, 1);
  std::map<std::string, int> patients;
  std::map<std::pair<int, int>, int> counts;
  for (std::size_t i = 0; i < folds.size(); ++i) {
    EXPECT_EQ(patients.try_emplace(set.cases[i].patient, folds[i]).first->second, folds[i]);
    ++counts[{folds[i], set.cases[i].labels[0]}];
  }
  ASSERT_EQ(counts.size(), 15U);
  for (auto const& [key, count] : counts) EXPECT_EQ(count, 8);
  EXPECT_THROW(folds_of(set, among, 1, 1), Error);
  EXPECT_THROW(folds_of(set, {0, 1, 2}, 4, 1), Error);
}

}  // namespace
}  // namespace fovea
