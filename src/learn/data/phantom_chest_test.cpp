#include "learn/data/phantom_chest.hpp"

#include "base/core/hash.hpp"
#include "learn/data/layout.hpp"
#include "learn/data/quality.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

namespace fovea {
namespace {

constexpr PhantomChest phantom_small = {
    .patients = 80, .with_two = 0.25, .size = 48, .faults = true, .seed = 3};

TEST(PhantomChest, LungsAreDarkerThanTheSpineAndAnOpacityIsBrighterThanLung) {
  auto const image = phantom_chest({.size = 64}, 1, 1, false);
  auto const mean = [&](std::int64_t i0, std::int64_t i1) {
    double sum = 0;
    for (std::int64_t j = 20; j < 30; ++j) {
      for (auto i = i0; i < i1; ++i)
        sum += image.as<std::uint8_t>()[static_cast<std::size_t>(j * 64 + i)];
    }
    return sum / static_cast<double>(10 * (i1 - i0));
  };
  EXPECT_LT(mean(15, 22) + 40, mean(30, 34));
  double more = 0;
  for (int patient = 1; patient < 20; ++patient) {
    auto const with = phantom_chest({.size = 64}, patient, 1, true);
    auto const without = phantom_chest({.size = 64}, patient, 1, false);
    auto const sum = [](Volume const& v) {
      return std::accumulate(v.as<std::uint8_t>().begin(), v.as<std::uint8_t>().end(), 0.0);
    };
    more += sum(with) - sum(without);
  }
  EXPECT_GT(more, 0);
}

TEST(PhantomChest, IsTheSameForTheSameSeedAndAnotherForAnother) {
  auto const same = [](Volume const& a, Volume const& b) {
    return std::ranges::equal(a.as<std::uint8_t>(), b.as<std::uint8_t>());
  };
  auto const image = phantom_chest(phantom_small, 5, 1, true);
  EXPECT_TRUE(same(image, phantom_chest(phantom_small, 5, 1, true)));
  EXPECT_FALSE(same(image, phantom_chest(phantom_small, 5, 2, true)));
  EXPECT_FALSE(same(image, phantom_chest(phantom_small, 6, 1, true)));
  EXPECT_FALSE(same(image, phantom_chest({.size = 48, .seed = 4}, 5, 1, true)));
}

TEST(PhantomChest, HasTheFaultsThatItSaysAndQualityFindsThem) {
  ScratchFolder scratch;
  auto const planted = write_phantom_chest(scratch.path(), phantom_small);
  auto const set =
      read_dataset(scratch.path(), {.patient_from = phantom_chest_patient, .reader = {}});
  EXPECT_EQ(set.classes, (std::vector<std::string>{"normal", "opacity"}));
  std::map<std::string, std::set<std::string>> found;
  for (auto const& problem : quality(set, 2).problems) {
    for (auto const at : problem.cases) found[problem.kind].insert(set.cases[at].id);
  }
  std::map<std::string, std::set<std::string>> expected;
  for (auto const& fault : planted) {
    EXPECT_TRUE(std::ranges::all_of(
        fault.files, [&](auto const& file) { return fs::exists(scratch.path() / file); }));
    for (auto const& file : fault.files)
      expected[fault.kind == "conflicting-labels" ? "duplicate" : fault.kind].insert(file);
  }
  EXPECT_EQ(found["duplicate"], expected["duplicate"]);
  EXPECT_EQ(found["duplicate"].size(), 6U);
  EXPECT_EQ(found["conflicting-labels"].size(), 2U);
  EXPECT_EQ(found["constant"], expected["constant"]);
  EXPECT_EQ(found["unreadable"], expected["unreadable"]);
  EXPECT_TRUE(found["near-duplicate"].empty());
}

TEST(PhantomChest, NamesPatientsSomeOfThemTwice) {
  ScratchFolder scratch;
  auto options = phantom_small;
  options.faults = false;
  EXPECT_TRUE(write_phantom_chest(scratch.path(), options).empty());
  auto set =
      read_dataset(scratch.path(), {.patient_from = phantom_chest_patient, .reader = {}});
  std::set<std::string> patients;
  for (auto const& one : set.cases) patients.insert(one.patient);
  EXPECT_EQ(patients.size(), 80U);
  EXPECT_GT(set.cases.size(), 85U);
  assign_splits(set, 1);
  EXPECT_NO_THROW(expect_trainable(set));
}

TEST(PhantomChest, RefusesAFullFolderAndOptionsThatMakeNoSet) {
  ScratchFolder scratch;
  write_file(scratch.path() / "mine.txt", "keep");
  EXPECT_THROW(write_phantom_chest(scratch.path(), phantom_small), Error);
  EXPECT_THROW(write_phantom_chest(scratch.path() / "a", {.patients = 2}), Error);
  EXPECT_THROW(write_phantom_chest(scratch.path() / "a", {.size = 5}), Error);
}

}  // namespace
}  // namespace fovea
