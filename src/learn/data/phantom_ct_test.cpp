#include "learn/data/phantom_ct.hpp"

#include "base/core/error.hpp"
#include "base/core/walk.hpp"
#include "base/io/dicom_series.hpp"
#include "learn/data/layout.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <set>

namespace fovea {
namespace {

constexpr PhantomCt phantom_ct_small = {
    .train = 2, .test = 1, .size = 64, .slices = 20, .seed = 3};

// Of the voxels of a structure.
double phantom_ct_mean(PhantomCtCase const& made, std::size_t structure) {
  auto const labels = made.truth.voxels.as<std::uint8_t>();
  auto const values = made.image.as<std::int16_t>();
  double sum = 0;
  double count = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] != structure) continue;
    sum += values[i];
    ++count;
  }
  return count > 0 ? sum / count : std::numeric_limits<double>::quiet_NaN();
}

TEST(PhantomCt, OrgansHaveTheDensitiesAndSizesOfOrgans) {
  struct Row {
    std::string_view name;
    double low, high, least_ml, most_ml;
  };
  // Lesions of few voxels blend with what is around them.
  constexpr Row rows[] = {{"aorta", 85, 200, 35, 90},         {"kidneys", 110, 220, 80, 350},
                          {"liver", 90, 130, 400, 1800},      {"liver tumour", 30, 85, 1, 150},
                          {"lung nodule", -350, 60, 0.5, 60}, {"lungs", -880, -700, 600, 4500},
                          {"spleen", 80, 150, 30, 300}};
  ASSERT_EQ(std::size(rows), std::size(phantom_ct_structures));
  PhantomCt const options{.size = 96, .slices = 32};
  for (int patient = 1; patient <= 4; ++patient) {
    auto const made = phantom_ct(options, patient);
    auto const spacing = made.image.grid().spacing().mm;
    auto const ml = spacing[0] * spacing[1] * spacing[2] / 1000;
    EXPECT_EQ(made.image.unit(), Unit::hounsfield);
    EXPECT_EQ(made.truth.voxels.grid().size, made.image.grid().size);
    EXPECT_NO_THROW(check(made.truth));
    for (std::size_t i = 0; i < std::size(rows); ++i) {
      SCOPED_TRACE(rows[i].name);
      EXPECT_EQ(made.truth.segments[i].name, rows[i].name);
      EXPECT_FALSE(made.truth.segments[i].type.scheme == "99FOVEA");
      auto const mean = phantom_ct_mean(made, i + 1);
      EXPECT_GT(mean, rows[i].low);
      EXPECT_LT(mean, rows[i].high);
      auto const volume = ml * static_cast<double>(std::ranges::count(
                                   made.truth.voxels.as<std::uint8_t>(), i + 1));
      EXPECT_GT(volume, rows[i].least_ml);
      EXPECT_LT(volume, rows[i].most_ml);
    }
    // Air around, bone inside.
    EXPECT_NEAR(made.image.as<std::int16_t>()[0], -1000, 100);
    EXPECT_GT(*std::ranges::max_element(made.image.as<std::int16_t>()), 300);
  }
}

TEST(PhantomCt, IsTheSameForTheSameSeedAndAnotherForAnother) {
  auto const same = [](PhantomCtCase const& a, PhantomCtCase const& b) {
    return std::ranges::equal(a.image.as<std::int16_t>(), b.image.as<std::int16_t>()) &&
           std::ranges::equal(a.truth.voxels.as<std::uint8_t>(),
                              b.truth.voxels.as<std::uint8_t>());
  };
  auto const made = phantom_ct(phantom_ct_small, 1);
  EXPECT_TRUE(same(made, phantom_ct(phantom_ct_small, 1)));
  EXPECT_FALSE(same(made, phantom_ct(phantom_ct_small, 2)));
  auto other = phantom_ct_small;
  other.seed = 4;
  EXPECT_FALSE(same(made, phantom_ct(other, 1)));
}

TEST(PhantomCt, IsASetOfSeriesAndSegmentationsWithoutAFault) {
  ScratchFolder scratch;
  Stop const stop;
  write_phantom_ct(scratch.path() / "set", phantom_ct_small, stop);
  auto const found = find_series(files_below(scratch.path() / "set", stop));
  EXPECT_TRUE(found.damaged.empty());
  for (auto const& series : found.series) {
    EXPECT_EQ(series.verdict, Verdict::ok);
    EXPECT_TRUE(series.placed);
  }
  auto const set = read_dataset(scratch.path() / "set");
  EXPECT_EQ(set.form, "dicom");
  EXPECT_EQ(set.channels, std::vector<std::string>{"CT"});
  EXPECT_TRUE(set.problems.empty());
  std::vector<std::string> names;
  std::set<std::string> patients;
  for (auto const& label : set.labels) names.push_back(label.name);
  EXPECT_EQ(names, (std::vector<std::string>{std::begin(phantom_ct_structures),
                                             std::end(phantom_ct_structures)}));
  ASSERT_EQ(set.cases.size(), 3U);
  EXPECT_EQ(set.in(Split::train).size(), 2U);
  EXPECT_EQ(set.in(Split::test).size(), 1U);
  for (auto const& one : set.cases) {
    patients.insert(one.patient);
    auto const number = one.id.substr(one.id.size() - 1);
    auto const made = phantom_ct(phantom_ct_small, number[0] - '0');
    auto const image = set.image(one);
    EXPECT_TRUE(std::ranges::equal(image.as<std::int16_t>(), made.image.as<std::int16_t>()));
    auto const mask = set.mask(one, image.grid());
    auto const drawn = mask.voxels.as<std::uint8_t>();
    auto const truth = made.truth.voxels.as<std::uint8_t>();
    EXPECT_TRUE(std::ranges::equal(drawn, truth));
  }
  EXPECT_EQ(patients.size(), 3U);
}

TEST(PhantomCt, RefusesAFullFolderAndOptionsThatMakeNoSet) {
  ScratchFolder scratch;
  Stop const stop;
  write_file(scratch.path() / "mine.txt", "keep");
  EXPECT_THROW(write_phantom_ct(scratch.path(), phantom_ct_small, stop), Error);
  for (PhantomCt const& bad :
       {PhantomCt{.train = 1}, PhantomCt{.test = 0}, PhantomCt{.train = 99},
        PhantomCt{.size = 47}, PhantomCt{.size = 513}, PhantomCt{.slices = 15},
        PhantomCt{.slices = 161}}) {
    EXPECT_THROW(write_phantom_ct(scratch.path() / "new", bad, stop), Error);
    EXPECT_FALSE(fs::exists(scratch.path() / "new"));
  }
  Stop asked;
  asked.ask();
  EXPECT_THROW(write_phantom_ct(scratch.path() / "new", phantom_ct_small, asked), Interrupted);
}

}  // namespace
}  // namespace fovea
