#include "learn/data/quality.hpp"

#include "learn/data/clean.hpp"
#include "learn/data/make_sets.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>

namespace fovea {
namespace {

// A smooth picture, different for every seed: what a camera sees, not noise.
Volume quality_scene(std::uint64_t seed, double gain = 1, double noise = 0) {
  auto image = image2d(48, 40, Type::u8);
  Rng shape{{seed, 1}};
  Rng grain{{seed, 2}};
  std::vector<std::array<double, 3>> waves(6);
  for (auto& wave : waves)
    wave = {shape.uniform(0.05, 0.4), shape.uniform(0.05, 0.4), shape.uniform(0, 6)};
  auto pixels = image.write<std::uint8_t>();
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    double sum = 0;
    for (auto const& wave : waves)
      sum += std::sin(wave[0] * static_cast<double>(i % 48) +
                      wave[1] * static_cast<double>(i / 48) + wave[2]);
    pixels[i] = static_cast<std::uint8_t>(
        std::clamp(128 + gain * 15 * sum + noise * grain.normal(), 0.0, 255.0));
  }
  return image;
}

// Cases whose images are held in memory.
struct QualitySet {
  Dataset set;
  std::shared_ptr<std::vector<Volume>> images = std::make_shared<std::vector<Volume>>();

  QualitySet() {
    set.classes = {"no", "yes"};
    set.rows = [held = images](Location const& at) {
      auto const& image = held->at(static_cast<std::size_t>(at.row));
      if (image.width() == 1) throw Error{Fault::input, "is damaged", ""};
      return image;
    };
  }

  void add(Volume image, int label, Split split = Split::unassigned) {
    Case one;
    one.id = text("image ", set.cases.size());
    one.split = split;
    one.image.row = static_cast<std::int64_t>(set.cases.size());
    one.labels = {label};
    set.cases.push_back(one);
    images->push_back(std::move(image));
  }

  void add_good(std::size_t count, Split split = Split::unassigned) {
    for (std::size_t i = 0; i < count; ++i)
      add(quality_scene(1000 + set.cases.size()), static_cast<int>(i % 2), split);
  }
};

std::map<std::string, int> quality_kinds(std::vector<Problem> const& problems) {
  std::map<std::string, int> kinds;
  for (auto const& problem : problems) ++kinds[problem.kind];
  return kinds;
}

Problem quality_of_kind(std::vector<Problem> const& problems, std::string const& kind) {
  for (auto const& problem : problems) {
    if (problem.kind == kind) return problem;
  }
  ADD_FAILURE() << "no problem " << kind;
  return {};
}

TEST(Quality, FindsNothingWhereNothingIsWrong) {
  QualitySet made;
  made.add_good(80);
  EXPECT_TRUE(quality(made.set, 2).problems.empty());
}

TEST(Quality, NamesUnreadableConstantAndNotFiniteImages) {
  QualitySet made;
  made.add_good(80);
  made.add(image2d(1, 1, Type::u8), 0);
  made.add(image2d(48, 40, Type::u8), 1);
  made.add(image2d(48, 40, Type::u8), 0);
  auto broken = as_float(quality_scene(3));
  auto copy = image2d(48, 40, Type::f32);
  std::ranges::copy(broken.as<float>(), copy.write<float>().begin());
  copy.write<float>()[5] = std::numeric_limits<float>::quiet_NaN();
  made.add(copy, 1);
  auto const problems = quality(made.set, 1).problems;
  EXPECT_EQ(quality_of_kind(problems, "unreadable").cases, (std::vector<std::size_t>{80}));
  EXPECT_EQ(quality_of_kind(problems, "constant").cases, (std::vector<std::size_t>{81, 82}));
  EXPECT_EQ(quality_of_kind(problems, "not-finite").cases, (std::vector<std::size_t>{83}));
  EXPECT_FALSE(quality_kinds(problems).contains("duplicate"));
}

TEST(Quality, EqualImagesAreSevereOnlyWhereTestWasSeenBefore) {
  struct Row {
    Split first, second;
    std::string kind;
    bool severe;
  };
  Row const rows[] = {{Split::train, Split::train, "duplicate", false},
                      {Split::test, Split::test, "duplicate", false},
                      {Split::train, Split::validation, "duplicate-across-splits", false},
                      {Split::train, Split::test, "duplicate-across-splits", true},
                      {Split::validation, Split::test, "duplicate-across-splits", true},
                      {Split::unassigned, Split::unassigned, "duplicate", false}};
  for (auto const& row : rows) {
    QualitySet made;
    for (auto const split : all_splits) made.add_good(40, split);
    made.add(quality_scene(1), 0, row.first);
    made.add(quality_scene(1), 0, row.second);
    auto const problem = quality_of_kind(quality(made.set, 2).problems, row.kind);
    EXPECT_EQ(problem.cases, (std::vector<std::size_t>{120, 121}));
    EXPECT_EQ(problem.severe, row.severe) << problem.message;
  }
}

TEST(Quality, BlankTestImagesAndGreyOnesSavedInColourAreLeaksToo) {
  auto const grey = quality_scene(1);
  auto colour = image2d(grey.width(), grey.height(), Type::u8, 3);
  for (std::int64_t c = 0; c < 3; ++c)
    std::ranges::copy(grey.as<std::uint8_t>(), colour.write_channel<std::uint8_t>(c).begin());
  auto const blank = image2d(48, 40, Type::u8);
  for (auto const& [first, second] : {std::pair{grey, colour}, std::pair{blank, blank}}) {
    QualitySet made;
    for (auto const split : all_splits) made.add_good(40, split);
    made.add(first, 0, Split::train);
    made.add(second, 0, Split::test);
    auto const problem =
        quality_of_kind(quality(made.set, 2).problems, "duplicate-across-splits");
    EXPECT_EQ(problem.cases, (std::vector<std::size_t>{120, 121}));
    EXPECT_TRUE(problem.severe);
  }
}

TEST(Quality, BlankImagesAreKeptTogether) {
  QualitySet made;
  made.add_good(40);
  made.add(image2d(48, 40, Type::u8), 0);
  made.add(image2d(48, 40, Type::u8), 0);
  keep_together(made.set, look_at(made.set, 2));
  EXPECT_EQ(made.set.cases[40].together, "image 40");
  EXPECT_EQ(made.set.cases[41].together, "image 40");
}

TEST(Quality, EqualImagesWithDifferentLabelsConflict) {
  QualitySet made;
  made.add_good(80);
  made.add(quality_scene(1), 0);
  made.add(quality_scene(1), 1);
  EXPECT_EQ(quality_of_kind(quality(made.set, 2).problems, "conflicting-labels").cases,
            (std::vector<std::size_t>{80, 81}));
}

TEST(Quality, FindsTheSamePictureWithAnotherExposureAndNoise) {
  QualitySet made;
  made.add_good(60, Split::train);
  made.add_good(60, Split::test);
  made.add(quality_scene(1), 0, Split::train);
  made.add(quality_scene(1, 0.8, 2), 0, Split::test);
  auto const problems = quality(made.set, 2).problems;
  auto const near = quality_of_kind(problems, "near-duplicate-across-splits");
  EXPECT_EQ(near.cases, (std::vector<std::size_t>{120, 121}));
  EXPECT_FALSE(near.severe);
  EXPECT_EQ(quality_kinds(problems)["near-duplicate-across-splits"], 1);
}

TEST(Quality, FindsOddSizesChannelsAndIntensities) {
  QualitySet made;
  made.add_good(80);
  made.add(noise_picture(5, 200, 40), 0);
  made.add(image2d(48, 40, Type::u8, 3), 1);
  made.images->back().write<std::uint8_t>()[7] = 9;
  auto const grey = quality_scene(9);
  Volume saved_in_colour{grey.grid(), Type::u16, Unit::arbitrary, 3};
  for (std::int64_t c = 0; c < 3; ++c)
    std::ranges::copy(grey.as<std::uint8_t>(),
                      saved_in_colour.write_channel<std::uint16_t>(c).begin());
  made.add(saved_in_colour, 1);
  auto dark = quality_scene(7);
  auto darker = image2d(48, 40, Type::u8);
  std::ranges::transform(dark.as<std::uint8_t>(), darker.write<std::uint8_t>().begin(),
                         [](auto v) { return static_cast<std::uint8_t>(v / 12); });
  made.add(darker, 0);
  auto const problems = quality(made.set, 2).problems;
  EXPECT_EQ(quality_of_kind(problems, "odd-size").cases, (std::vector<std::size_t>{80}));
  EXPECT_EQ(quality_of_kind(problems, "odd-channels").cases, (std::vector<std::size_t>{81}));
  EXPECT_TRUE(std::ranges::count(quality_of_kind(problems, "odd-intensity").cases, 83U));
  EXPECT_EQ(quality_of_kind(problems, "odd-type").cases, (std::vector<std::size_t>{82}));
}

TEST(Quality, CountsClasses) {
  QualitySet made;
  made.add_good(4, Split::train);
  for (int i = 0; i < 60; ++i)
    made.add(quality_scene(static_cast<std::uint64_t>(i)), 0, Split::train);
  made.set.classes.push_back("new");
  made.add(quality_scene(900), 2, Split::test);
  auto const problems = quality(made.set, 2).problems;
  EXPECT_FALSE(quality_of_kind(problems, "few-cases").severe);
  EXPECT_TRUE(quality_of_kind(problems, "unseen-label").severe);
  EXPECT_TRUE(problems.front().severe);
  for (auto& one : made.set.cases) {
    if (one.labels[0] == 2) one.labels[0] = 0;
  }
  made.set.classes.pop_back();
  EXPECT_EQ(quality_kinds(quality(made.set, 2).problems)["imbalance"], 1);
  for (auto& one : made.set.cases) one.labels[0] = 0;
  EXPECT_EQ(quality_kinds(quality(made.set, 2).problems)["one-class"], 1);
}

TEST(Quality, SaysNothingOfPatientsButThatTheyArePartedAndByWhichCases) {
  QualitySet made;
  made.add_good(40, Split::train);
  made.add_good(40, Split::test);
  made.set.cases[0].patient = made.set.cases[40].patient = "Jane Doe";
  auto const problem = quality_of_kind(quality(made.set, 2).problems, "patient-across-splits");
  EXPECT_EQ(problem.cases, (std::vector<std::size_t>{0, 40}));
  EXPECT_EQ(problem.message.find("Jane"), std::string::npos);
}

TEST(Quality, IsTheSameForAnyNumberOfThreads) {
  QualitySet made;
  made.add_good(60);
  made.add(quality_scene(1), 0);
  made.add(quality_scene(1), 1);
  made.add(quality_scene(1, 0.7), 1);
  auto const one = quality(made.set, 1);
  std::size_t calls = 0;
  auto const many = quality(made.set, 7, [&](std::size_t done) { EXPECT_EQ(done, ++calls); });
  EXPECT_EQ(calls, 63U);
  ASSERT_EQ(one.problems.size(), many.problems.size());
  for (std::size_t i = 0; i < one.problems.size(); ++i) {
    EXPECT_EQ(one.problems[i].message, many.problems[i].message);
    EXPECT_EQ(one.problems[i].cases, many.problems[i].cases);
  }
  for (std::size_t i = 0; i < one.facts.size(); ++i) {
    EXPECT_EQ(one.facts[i].hash, many.facts[i].hash);
    EXPECT_EQ(one.facts[i].looks.hash, many.facts[i].looks.hash);
  }
}

TEST(KeepTogether, LetsNoSplitPartCopies) {
  QualitySet made;
  made.add_good(100);
  for (std::uint64_t i = 0; i < 20; ++i) {
    made.add(quality_scene(i), 0);
    made.add(quality_scene(i), 0);
  }
  auto const facts = look_at(made.set, 2);
  keep_together(made.set, facts);
  assign_splits(made.set, 1);
  EXPECT_FALSE(quality_kinds(problems_of(made.set, facts)).contains("duplicate-across-splits"));
  EXPECT_EQ(quality_kinds(problems_of(made.set, facts))["duplicate"], 20);
}

TEST(KeepTogether, LeavesPatientsAsTheyAreAndSaysHowManyItJoined) {
  QualitySet made;
  made.add_good(30);
  made.set.cases[0].patient = "p";
  keep_together(made.set, look_at(made.set, 2));
  EXPECT_TRUE(made.set.notes.empty());
  made.add(quality_scene(1), 0);       // 30
  made.add(quality_scene(1), 0);       // 31
  made.add(quality_scene(1, 0.8), 0);  // 32
  made.add(quality_scene(2), 0);       // 33
  made.add(quality_scene(2), 0);       // 34
  made.set.cases[30].patient = "q";
  made.set.cases[31].patient = "r";
  keep_together(made.set, look_at(made.set, 2));
  ASSERT_EQ(made.set.notes.size(), 1U);
  EXPECT_NE(made.set.notes[0].find("5 images"), std::string::npos) << made.set.notes[0];
  EXPECT_NE(made.set.notes[0].find("2 groups"), std::string::npos) << made.set.notes[0];
  std::vector<std::string> patients, words;
  for (auto const& one : made.set.cases) {
    if (!one.patient.empty()) patients.push_back(one.patient);
    if (!one.together.empty()) words.push_back(one.together);
  }
  EXPECT_EQ(patients, (std::vector<std::string>{"p", "q", "r"}));
  EXPECT_EQ(words, (std::vector<std::string>{"image 30", "image 30", "image 30", "image 33",
                                             "image 33"}));
}

TEST(KeepTogether, JoinsNoTestImageWithOthersAndMakesNoPatientsThatArePartedThen) {
  QualitySet made;
  made.add_good(30, Split::train);
  made.add_good(30, Split::test);
  for (auto const split : {Split::train, Split::validation, Split::test, Split::test})
    made.add(quality_scene(1), 0, split);            // 60 to 63
  made.add(quality_scene(1), 0);                     // 64, a test image by its patient
  made.add(quality_scene(1, 0.8), 0, Split::train);  // 65
  made.set.cases[64].patient = made.set.cases[30].patient = "p";
  auto const facts = look_at(made.set, 2);
  keep_together(made.set, facts);
  auto const word = [&](std::size_t i) { return made.set.cases[i].together; };
  EXPECT_EQ((std::vector{word(60), word(61), word(65)}),
            (std::vector<std::string>(3, "image 60")));
  EXPECT_EQ((std::vector{word(62), word(63), word(64)}),
            (std::vector<std::string>(3, "image 62")));
  auto kinds = quality_kinds(problems_of(made.set, facts));
  EXPECT_FALSE(kinds.contains("patient-across-splits"));
  EXPECT_EQ(kinds["duplicate-across-splits"], 1);
}

TEST(KeepTogether, LetsTrainingCasesBeJoinedThroughNoTestImage) {
  // The grain of the first and last picture is opposite: they are like the plain one between
  // them, but not like each other.
  auto const words = [](Split between) {
    QualitySet made;
    made.add_good(30, Split::train);
    for (std::uint64_t i = 0; i < 10; ++i) {
      made.add(quality_scene(i, 1, 7), 0, Split::train);
      made.add(quality_scene(i), 0, between);
      made.add(quality_scene(i, 1, -7), 1, Split::train);
    }
    keep_together(made.set, look_at(made.set, 2));
    std::size_t joined = 0;
    for (std::size_t i = 30; i < 60; i += 3) {
      auto const& first = made.set.cases[i].together;
      joined += !first.empty() && first == made.set.cases[i + 2].together ? 1 : 0;
    }
    return std::pair{joined, folds_of(made.set, {30, 32, 33, 35, 36, 38, 39, 41}, 4, 1)};
  };
  EXPECT_GT(words(Split::train).first, 0U);
  EXPECT_GT(words(Split::validation).first, 0U);
  EXPECT_EQ(words(Split::test).first, 0U);
  EXPECT_NE(words(Split::test).second, words(Split::train).second);
}

TEST(Unfit, LeavesOutWhatHarmsAndKeepsTheTestImageOfCopies) {
  QualitySet made;
  made.add_good(30, Split::train);
  made.add(quality_scene(1), 0, Split::train);          // 30
  made.add(quality_scene(1), 0, Split::test);           // 31
  made.add(quality_scene(2), 0, Split::train);          // 32
  made.add(quality_scene(2), 1, Split::train);          // 33
  made.add(quality_scene(3), 0, Split::train);          // 34
  made.add(quality_scene(3), 0, Split::train);          // 35
  made.add(image2d(1, 1, Type::u8), 0, Split::test);    // 36
  made.add(image2d(48, 40, Type::u8), 0, Split::test);  // 37
  std::map<std::size_t, std::string> found;
  for (auto const& one : unfit(made.set, look_at(made.set, 2))) found[one.at] = one.kind;
  EXPECT_EQ(found, (std::map<std::size_t, std::string>{{30, "duplicate-across-splits"},
                                                       {32, "conflicting-labels"},
                                                       {33, "conflicting-labels"},
                                                       {36, "unreadable"},
                                                       {37, "constant"}}));
  for (auto& one : made.set.cases) one.split = Split::unassigned;
  EXPECT_EQ(unfit(made.set, look_at(made.set, 2))[0].at, 31U);
}

TEST(TheListOfASet, IsReadAgainAsTheSameSet) {
  ScratchFolder scratch;
  for (auto const name : {"data/train/no, or not/1.png", "data/train/yes \"maybe\"/2.png",
                          "data/test/yes \"maybe\"/3.png"})
    put_picture(scratch.path() / name,
                static_cast<std::uint64_t>(std::string_view{name}.size()));
  auto set = read_dataset(scratch.path() / "data");
  set.cases[1].weight = 0.3;
  set.cases[2].patient = "p 7";
  fs::create_directory(scratch.path() / "lists");
  write_file(scratch.path() / "lists/fit.csv", list_of(set, scratch.path() / "lists"));
  auto const again = read_dataset(scratch.path() / "lists/fit.csv");
  ASSERT_EQ(again.cases.size(), 3U);
  EXPECT_EQ(again.classes, set.classes);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(again.cases[i].labels, set.cases[i].labels);
    EXPECT_EQ(again.cases[i].split, set.cases[i].split);
    EXPECT_EQ(again.cases[i].weight, set.cases[i].weight);
    EXPECT_EQ(again.cases[i].patient, set.cases[i].patient);
    EXPECT_TRUE(std::ranges::equal(again.image(again.cases[i]).as<std::uint8_t>(),
                                   set.image(set.cases[i]).as<std::uint8_t>()));
  }
}

TEST(TheListOfASet, NamesRowsOfArrays) {
  ScratchFolder scratch;
  put_npz(scratch.path() / "set.npz",
          {{"train_images", array_of<std::uint8_t>({3, 2, 2}, counted(12))},
           {"train_labels", array_of<std::uint8_t>({3, 2}, {1, 0, 0, 1, 1, 1})}});
  auto const set = without(read_dataset(scratch.path()), {1});
  write_file(scratch.path() / "fit.csv", list_of(set, scratch.path()));
  auto const again = read_dataset(scratch.path() / "fit.csv");
  ASSERT_EQ(again.cases.size(), 2U);
  EXPECT_EQ(again.cases[1].id, "set.npz#train_images/2");
  EXPECT_EQ(again.cases[1].labels, (std::vector<std::int32_t>{1, 1}));
  EXPECT_EQ(again.image(again.cases[1]).as<std::uint8_t>()[0], 8);
}

TEST(TheSetOfRealChests, HasEightValidationImagesInTrainAndNoTestImageAnywhere) {
  auto const* data = std::getenv("FOVEA_DATA");
  auto const root =
      (data != nullptr ? fs::path{data} : fs::path{FOVEA_SOURCE_DIR} / "../shared/data") /
      "cxr-pneumonia28";
  if (!fs::exists(root)) GTEST_SKIP() << "cxr-pneumonia28 is not here";
  auto set = read_dataset(root);
  auto const facts = look_at(set, 2);
  keep_together(set, facts);
  auto const problems = problems_of(set, facts);
  std::size_t validation = 0;
  for (auto const& problem : problems) {
    EXPECT_FALSE(problem.severe) << problem.message;
    EXPECT_NE(problem.kind, "patient-across-splits") << problem.message;
    if (problem.kind != "duplicate-across-splits") continue;
    validation += static_cast<std::size_t>(std::ranges::count_if(
        problem.cases, [&](auto at) { return set.cases[at].split == Split::validation; }));
  }
  EXPECT_EQ(validation, 8U);
  EXPECT_EQ(quality_kinds(problems)["near-duplicate"] +
                quality_kinds(problems)["near-duplicate-across-splits"],
            0);
}

}  // namespace
}  // namespace fovea
