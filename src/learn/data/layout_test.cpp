#include "learn/data/layout.hpp"

#include "learn/data/layout_parts.hpp"
#include "learn/data/make_sets.hpp"
#include "learn/data/quality.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace fovea {
namespace {

std::string layout_refusal(fs::path const& root,
                           Fault fault = Fault::input,
                           ReadOptions const& options = {}) {
  try {
    read_dataset(root, options);
  } catch (Error const& error) {
    EXPECT_EQ(error.fault(), fault) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "was read";
  return {};
}

bool layout_says(std::vector<std::string> const& lines, std::string_view words) {
  return std::ranges::any_of(
      lines, [&](auto const& line) { return line.find(words) != std::string::npos; });
}

TEST(NaturalOrder, CountsAsPeopleDo) {
  std::vector<std::string> names = {"class 10", "b", "class 2", "class 02", "a", "class"};
  std::ranges::sort(names, natural_less);
  EXPECT_EQ(names,
            (std::vector<std::string>{"a", "b", "class", "class 02", "class 2", "class 10"}));
}

TEST(ClassFolders, AreClassesInNaturalOrder) {
  ScratchFolder scratch;
  for (auto const name : {"grade 10/a.png", "grade 2/b.PNG", "grade 2/c d é.png",
                          "grade 10/.hidden.png", "grade 10/readme.txt"})
    put_picture(scratch.path() / name, 1);
  auto const set = read_dataset(scratch.path());
  EXPECT_EQ(set.form, "class-folders");
  EXPECT_EQ(set.classes, (std::vector<std::string>{"grade 2", "grade 10"}));
  ASSERT_EQ(set.cases.size(), 3U);
  EXPECT_EQ(set.cases[0].id, "grade 2/b.PNG");
  EXPECT_EQ(set.cases[2].labels, (std::vector<std::int32_t>{1}));
  EXPECT_EQ(set.cases[0].split, Split::unassigned);
  EXPECT_TRUE(
      layout_says(set.notes, "1 files are not named as pictures (grade 10/readme.txt)"));
  EXPECT_EQ(set.image(set.cases[1]).width(), 24);
}

TEST(ClassFolders, KeepGivenSplitsAndFoldersInsideOfClasses) {
  ScratchFolder scratch;
  for (auto const name : {"set/train/no/1.png", "set/train/yes/p1/2.png", "set/valid/yes/3.png",
                          "set/testing/no/4.png"})
    put_picture(scratch.path() / name, 1);
  auto const set = read_dataset(scratch.path() / "set");
  EXPECT_EQ(set.classes, (std::vector<std::string>{"no", "yes"}));
  EXPECT_EQ(set.in(Split::train).size(), 2U);
  EXPECT_EQ(set.in(Split::validation).size(), 1U);
  EXPECT_EQ(set.in(Split::test).size(), 1U);
}

TEST(ClassFolders, OfAnUnpackedArchiveAreFound) {
  ScratchFolder scratch;
  put_picture(scratch.path() / "data/inner/a/1.png", 1);
  put_picture(scratch.path() / "data/inner/b/2.png", 2);
  auto const set = read_dataset(scratch.path());
  EXPECT_EQ(set.classes, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(layout_says(set.notes, "data/inner"));
}

TEST(ClassFolders, EndWhereLinksLeadInACircle) {
  ScratchFolder scratch;
  put_picture(scratch.path() / "a/1.png", 1);
  put_picture(scratch.path() / "b/2.png", 2);
  fs::create_directory_symlink(scratch.path(), scratch.path() / "a/up");
  fs::create_directory_symlink(scratch.path() / "a", scratch.path() / "a/self");
  fs::create_symlink("nowhere", scratch.path() / "b/broken.png");
  EXPECT_EQ(read_dataset(scratch.path()).cases.size(), 2U);
}

TEST(ClassFolders, GivePatientsByAnExpressionOnNames) {
  ScratchFolder scratch;
  for (auto const name : {"a/p1_1.png", "a/p1_2.png", "b/p2_1.png", "b/other.png"})
    put_picture(scratch.path() / name, 1);
  auto const set = read_dataset(scratch.path(), {.patient_from = "^(p[0-9]+)_", .reader = {}});
  EXPECT_EQ(set.cases[0].patient, "p1");
  EXPECT_EQ(set.cases[1].patient, "p1");
  EXPECT_TRUE(layout_says(set.notes, "no patient in 1 of 4 names (b/other.png)"));
  EXPECT_NE(
      layout_refusal(scratch.path(), Fault::usage, {.patient_from = "p[0-9]+", .reader = {}})
          .find("group"),
      std::string::npos);
  EXPECT_NE(layout_refusal(scratch.path(), Fault::usage, {.patient_from = "(p[", .reader = {}})
                .find("regular expression"),
            std::string::npos);
  auto const nested = std::string(20'000, '(') + std::string(20'000, ')');
  EXPECT_NE(layout_refusal(scratch.path(), Fault::usage, {.patient_from = nested, .reader = {}})
                .find("at most 1000 characters"),
            std::string::npos);
}

TEST(ReadingADataSet, SaysWhatWasSeenWhereNothingFits) {
  ScratchFolder scratch;
  EXPECT_NE(layout_refusal(scratch.path()).find("an empty folder"), std::string::npos);
  EXPECT_NE(layout_refusal(scratch.path() / "none").find("does not exist"), std::string::npos);
  put_picture(scratch.path() / "1.png", 1);
  write_file(scratch.path() / "x.csv", "a,b\n1,2\n");
  put_npz(scratch.path() / "x.npz", {{"data", array_of<std::uint8_t>({2}, {1, 2})}});
  auto const words = layout_refusal(scratch.path());
  for (auto const part :
       {"1 pictures (1.png)", "x.csv: columns a, b", "x.npz: data (2) u8", "understood are"})
    EXPECT_NE(words.find(part), std::string::npos) << part << " in " << words;
}

TEST(ReadingADataSet, DoesNotTakeSplitFoldersForClasses) {
  ScratchFolder scratch;
  put_picture(scratch.path() / "train/1.png", 1);
  put_picture(scratch.path() / "test/2.png", 2);
  EXPECT_NE(layout_refusal(scratch.path()).find("outside of class folders"), std::string::npos);
}

TEST(ReadingADataSet, WithoutPermissionIsNoFaultOfTheInput) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may look everywhere";
  ScratchFolder scratch;
  put_picture(scratch.path() / "a/1.png", 1);
  put_picture(scratch.path() / "b/2.png", 2);
  ::chmod((scratch.path() / "b").c_str(), 0);
  EXPECT_NE(layout_refusal(scratch.path(), Fault::resource).find("permission"),
            std::string::npos);
  ::chmod((scratch.path() / "b").c_str(), 0755);
}

TEST(MedMnist, RowsBecomeImagesWithPlanesOneAfterTheOther) {
  ScratchFolder scratch;
  put_npz(scratch.path() / "set.npz",
          {{"train_images", array_of<std::uint8_t>({2, 2, 3, 3}, counted(36))},
           {"train_labels", array_of<std::uint8_t>({2, 1}, {3, 7})},
           {"test_images", array_of<std::uint8_t>({1, 2, 3, 3}, counted(18))},
           {"test_labels", array_of<std::uint8_t>({1, 1}, {7})}});
  auto const set = read_dataset(scratch.path());
  EXPECT_EQ(set.form, "medmnist-npz");
  EXPECT_EQ(set.classes, (std::vector<std::string>{"3", "7"}));
  ASSERT_EQ(set.cases.size(), 3U);
  EXPECT_EQ(set.cases[2].id, "test_images/0");
  EXPECT_EQ(set.cases[2].labels, (std::vector<std::int32_t>{1}));
  auto const image = set.image(set.cases[1]);
  EXPECT_EQ(image.width(), 3);
  EXPECT_EQ(image.height(), 2);
  EXPECT_EQ(image.channels(), 3);
  EXPECT_EQ(image.channel<std::uint8_t>(0)[1], 18 + 3);
  EXPECT_EQ(image.channel<std::uint8_t>(2)[5], 18 + 17);
  EXPECT_EQ(set.hash(), read_dataset(scratch.path() / "set.npz").hash());
}

TEST(MedMnist, SeveralLabelsACase) {
  ScratchFolder scratch;
  put_npz(scratch.path() / "set.npz",
          {{"train_images", array_of<std::uint8_t>({2, 2, 2}, counted(8))},
           {"train_labels", array_of<std::uint8_t>({2, 3}, {1, 0, 1, 0, 0, 0})}});
  auto const set = read_dataset(scratch.path());
  EXPECT_TRUE(set.multi_label);
  EXPECT_EQ(set.classes.size(), 3U);
  EXPECT_EQ(set.cases[0].labels, (std::vector<std::int32_t>{1, 0, 1}));
}

TEST(MedMnist, BrokenOnesAreRefusedWithWhatWasExpected) {
  auto const pixels = array_of<std::uint8_t>({2, 2, 2}, counted(8));
  struct Row {
    std::vector<std::pair<std::string, Array>> arrays;
    std::string_view says;
  };
  Row const rows[] = {
      {{{"train_images", pixels}}, "an array train_labels"},
      {{{"images", pixels}}, "an array train_images"},
      {{{"train_images", pixels}, {"train_labels", array_of<std::uint8_t>({3, 1}, {1, 2, 3})}},
       "as many labels as images"},
      {{{"train_images", array_of<std::uint8_t>({8}, counted(8))},
        {"train_labels", array_of<std::uint8_t>({8}, counted(8))}},
       "of shape (n, h, w)"},
      {{{"train_images", array_of<std::uint8_t>({1, 2, 2, 2}, counted(8))},
        {"train_labels", array_of<std::uint8_t>({1}, {1})}},
       "of shape (n, h, w)"},
      {{{"train_images", pixels}, {"train_labels", array_of<float>({2, 1}, {0.5F, 1})}},
       "whole numbers"},
      {{{"train_images", pixels},
        {"train_labels", array_of<std::uint8_t>({2, 2}, {0, 5, 1, 0})}},
       "several labels"},
  };
  for (auto const& row : rows) {
    SCOPED_TRACE(row.says);
    ScratchFolder scratch;
    put_npz(scratch.path() / "set.npz", row.arrays);
    EXPECT_NE(layout_refusal(scratch.path() / "set.npz").find(row.says), std::string::npos);
  }
}

TEST(MedMnist, ADamagedArrayIsOneFaultOfTheFile) {
  ScratchFolder scratch;
  auto const file = scratch.path() / "set.npz";
  put_npz(file, {{"train_images", array_of<std::uint8_t>({9, 2, 2}, counted(36))},
                 {"train_labels", array_of<std::uint8_t>({9}, counted(9))}});
  auto bytes = read_text(file);
  auto const pixels = bytes.find(std::string("\x08\x09\x0a\x0b", 4));
  ASSERT_NE(pixels, std::string::npos);
  bytes[pixels] = '!';
  write_file(file, bytes);
  auto const set = read_dataset(file);
  try {
    look_at(set, 2);
    FAIL() << "was read";
  } catch (Error const& error) {
    EXPECT_EQ(error.fault(), Fault::input);
    for (auto const part : {"train_images", "set.npz"})
      EXPECT_NE(std::string{error.what()}.find(part), std::string::npos) << error.what();
  }
}

TEST(MedMnist, RowsAreReadByManyThreads) {
  ScratchFolder scratch;
  put_npz(scratch.path() / "set.npz",
          {{"train_images", array_of<std::uint8_t>({9, 2, 2}, counted(36))},
           {"train_labels", array_of<std::uint8_t>({9}, counted(9))}});
  auto const set = read_dataset(scratch.path());
  std::vector<int> first(9);
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < 9; ++i)
      threads.emplace_back(
          [&, i] { first[i] = set.image(set.cases[i]).as<std::uint8_t>()[0]; });
  }
  for (int i = 0; i < 9; ++i) EXPECT_EQ(first[static_cast<std::size_t>(i)], 4 * i);
}

TEST(List, ReadsLabelsSplitsPatientsAndWeights) {
  ScratchFolder scratch;
  put_picture(scratch.path() / "img/é 1.png", 1);
  put_picture(scratch.path() / "img/2.png", 2);
  write_file(scratch.path() / "list.csv",
             "\xEF\xBB\xBF"
             "File;Class;split;patient;weight\r\n\"img/é "
             "1.png\";sick;train;a;2.5\r\nimg/2.png;healthy;dev;b;\r\n");
  for (auto const& root : {scratch.path(), scratch.path() / "list.csv"}) {
    auto const set = read_dataset(root);
    EXPECT_EQ(set.form, "csv");
    EXPECT_EQ(set.classes, (std::vector<std::string>{"healthy", "sick"}));
    ASSERT_EQ(set.cases.size(), 2U);
    EXPECT_EQ(set.cases[0].labels, (std::vector<std::int32_t>{1}));
    EXPECT_EQ(set.cases[0].weight, 2.5);
    EXPECT_EQ(set.cases[0].patient, "a");
    EXPECT_EQ(set.cases[1].split, Split::validation);
    EXPECT_EQ(set.image(set.cases[1]).height(), 20);
  }
}

TEST(List, ColumnsOfOneAndZeroAreSeveralLabels) {
  ScratchFolder scratch;
  for (auto const name : {"a.png", "b.png"}) put_picture(scratch.path() / name, 1);
  write_file(scratch.path() / "list.csv",
             "path,edema,age,nodule,seen\na.png,1.0,40,,\nb.png,0,50,1,NaN\n");
  auto const set = read_dataset(scratch.path());
  EXPECT_TRUE(set.multi_label);
  EXPECT_EQ(set.classes, (std::vector<std::string>{"edema", "nodule"}));
  EXPECT_EQ(set.cases[0].labels, (std::vector<std::int32_t>{1, unknown}));
  EXPECT_TRUE(layout_says(set.notes, "age ('40' in row 2), seen (no known answer)"));
}

TEST(List, MissingFilesAreNamedCountedAndLeftOut) {
  ScratchFolder scratch;
  put_picture(scratch.path() / "a.png", 1);
  write_file(scratch.path() / "list.csv", "path,label\na.png,1\ngone.png,0\na.png,\n");
  auto const set = read_dataset(scratch.path());
  EXPECT_EQ(set.cases.size(), 1U);
  ASSERT_EQ(set.problems.size(), 2U);
  EXPECT_EQ(set.problems[0].kind, "missing");
  EXPECT_NE(set.problems[0].message.find("1 of 3"), std::string::npos);
  EXPECT_NE(set.problems[0].message.find("gone.png (row 3)"), std::string::npos);
  EXPECT_EQ(set.problems[1].kind, "unlabelled");
}

TEST(List, FindsImagesInAFolderBesideItAndWithoutEndings) {
  ScratchFolder scratch;
  put_picture(scratch.path() / "images/one.png", 1);
  put_picture(scratch.path() / "images/two.png", 2);
  write_file(scratch.path() / "list.csv", "image,label\none,1\ntwo,0\n");
  auto const set = read_dataset(scratch.path());
  EXPECT_EQ(set.cases.size(), 2U);
  EXPECT_TRUE(layout_says(set.notes, "images"));
}

TEST(List, TrainValAndTestTablesAreOneSet) {
  ScratchFolder scratch;
  for (auto const name : {"a.png", "b.png"}) put_picture(scratch.path() / name, 1);
  write_file(scratch.path() / "train.csv", "path,label\na.png,x\n");
  write_file(scratch.path() / "test.csv", "path,label\nb.png,y\n");
  auto const set = read_dataset(scratch.path());
  EXPECT_EQ(set.in(Split::train).size(), 1U);
  EXPECT_EQ(set.in(Split::test).size(), 1U);
  EXPECT_EQ(set.classes, (std::vector<std::string>{"x", "y"}));
}

TEST(List, BadRowsAreRefusedByNumber) {
  struct Row {
    std::string_view words, says;
  };
  constexpr Row rows[] = {
      {"path,label,split\na.png,1,train\na.png,0,trian\n",
       "row 3: expected a split (train, val or test), got 'trian'"},
      {"path,label,weight\na.png,1,heavy\n",
       "row 2: expected a weight of 0 or more, got 'heavy'"},
      {"path,label,weight\na.png,1,-1\n", "got '-1'"},
      {"path,label,weight\na.png,1,1e308\n", "at most 1000000, got '1e308'"},
      {"path,label\na.png,\na.png,N/A\n", "none of the 2 listed images can be used, since no "},
      {"path,label\nb.png,1\n", "none of the 1 listed images"},
      {"path,age\na.png,40\n", "no label"},
      {"name,label\na.png,1\n", "no path"},
      {"path,label\n", "none of the 0"},
      {"file,label,score no,score yes,error\na.png,no,0.6,0.4,\n", "answers of a model"},
      {"", "expected"},
  };
  for (auto const& row : rows) {
    SCOPED_TRACE(row.words);
    ScratchFolder scratch;
    put_picture(scratch.path() / "a.png", 1);
    write_file(scratch.path() / "list.csv", row.words);
    auto const words = layout_refusal(scratch.path() / "list.csv");
    EXPECT_NE(words.find(row.says), std::string::npos) << words;
  }
}

TEST(List, ThatListsNothingHereGivesWayToTheFolders) {
  ScratchFolder scratch;
  put_picture(scratch.path() / "a/1.png", 1);
  put_picture(scratch.path() / "b/2.png", 2);
  write_file(scratch.path() / "elsewhere.csv", "path,label\nother/9.png,1\n");
  EXPECT_EQ(read_dataset(scratch.path()).form, "class-folders");
}

TEST(ClassFolders, AreReadBesideTablesAndArraysThatAreNoSet) {
  struct Row {
    std::string_view file, words, note;
  };
  constexpr Row rows[] = {
      {"answers.csv", "file,label,score a,score b,error\na/1.png,b,0.4,0.6,\n",
       "not read: answers.csv: columns file, label, score a, score b, error, which are the "
       "answers of a model"},
      {"notes.csv", "", "not read: notes.csv: expected a table with a header row, got nothing"},
      {"notes.csv", "\xff\xfep", "not read: notes.csv: expected a table in UTF-8"},
      {"notes.csv", "path,who,who\na/1.png,x,y\n", "the column 'who' occurs twice"},
      {"notes.csv", "\"what was\nseen\",when\nmuch,today\n", "notes.csv: columns what was"},
      {"notes.csv", "path,\"open\n", "expected a closing quote"},
      {"old.npz", "PK\x03\x04 and no more", "not read: old.npz: "},
  };
  for (auto const& row : rows) {
    SCOPED_TRACE(row.note);
    ScratchFolder scratch;
    put_picture(scratch.path() / "a/1.png", 1);
    put_picture(scratch.path() / "b/2.png", 2);
    write_file(scratch.path() / row.file, row.words);
    auto const set = read_dataset(scratch.path());
    EXPECT_EQ(set.form, "class-folders");
    EXPECT_TRUE(layout_says(set.notes, row.note)) << set.notes.front();
    fs::remove_all(scratch.path() / "a");
    fs::remove_all(scratch.path() / "b");
    EXPECT_NE(layout_refusal(scratch.path()).find(row.file), std::string::npos);
  }
}

TEST(List, LabelsAreNoBooks) {
  ScratchFolder scratch;
  put_picture(scratch.path() / "a.png", 1);
  write_file(scratch.path() / "list.csv", "path,label\na.png," + std::string(999, 'y') + "\n");
  EXPECT_NE(layout_refusal(scratch.path() / "list.csv")
                .find("row 2: expected a label of at most 200 bytes, got '" +
                      std::string(80, 'y') + "…'"),
            std::string::npos);
}

TEST(List, MayHaveALineEndInAQuotedNameOfItsHeader) {
  ScratchFolder scratch;
  put_picture(scratch.path() / "a.png", 1);
  write_file(scratch.path() / "list.csv", "\npath,\"seen\nby\",label\na.png,x,sick\n");
  EXPECT_EQ(read_dataset(scratch.path()).cases.size(), 1U);
}

TEST(TheSetOfRealChests, IsReadOnceAlthoughItLiesThereTwice) {
  auto const* data = std::getenv("FOVEA_DATA");
  auto const root =
      (data != nullptr ? fs::path{data} : fs::path{FOVEA_SOURCE_DIR} / "../shared/data") /
      "cxr-pneumonia28";
  if (!fs::exists(root)) GTEST_SKIP() << "cxr-pneumonia28 is not here";
  auto const set = read_dataset(root);
  EXPECT_EQ(set.form, "medmnist-npz");
  EXPECT_EQ(set.in(Split::train).size(), 4708U);
  EXPECT_EQ(set.in(Split::validation).size(), 524U);
  EXPECT_EQ(set.in(Split::test).size(), 624U);
  EXPECT_TRUE(layout_says(set.notes, "labels.csv"));
}

TEST(ExpectTrainable, RefusesWhatCannotBeLearntOrShown) {
  auto const says = [](Dataset const& set) -> std::string {
    try {
      expect_trainable(set);
    } catch (Error const& error) {
      EXPECT_EQ(error.fault(), Fault::input);
      return error.what();
    }
    return "";
  };
  auto good = paper_set(40, 2, 0);
  assign_splits(good, 1);
  EXPECT_EQ(says(good), "");
  EXPECT_NE(says(paper_set(10, 1, 0)).find("at least 2 classes"), std::string::npos);
  EXPECT_NE(says(paper_set(3, 2, 0)).find("at least 2 images of each class"),
            std::string::npos);
  auto unseen = paper_set(20, 2, 0);
  for (auto& one : unseen.cases) one.split = one.labels[0] == 0 ? Split::train : Split::test;
  EXPECT_NE(says(unseen).find("training images of every class"), std::string::npos);
  auto weightless = good;
  for (auto& one : weightless.cases) one.weight = one.split == Split::train ? 0 : 1;
  EXPECT_NE(says(weightless).find("all weigh 0"), std::string::npos);
  auto unknowing = good;
  unknowing.multi_label = true;
  for (auto& one : unknowing.cases) {
    one.labels = {one.labels[0], 0};
    if (one.split == Split::test) one.labels = {unknown, unknown};
  }
  EXPECT_NE(says(unknowing).find("none among the 6 of test"), std::string::npos)
      << says(unknowing);
}

TEST(Without, KeepsProblemsAtTheirCases) {
  auto set = paper_set(4, 2, 0);
  set.problems.push_back({"look", "here", {1, 3}, false});
  auto const less = without(set, {0, 1});
  ASSERT_EQ(less.cases.size(), 2U);
  EXPECT_EQ(less.problems[0].cases, (std::vector<std::size_t>{1}));
  EXPECT_EQ(less.cases[1].id, "case 3");
}

TEST(Without, DropsClassesThatAreLeftWithoutACase) {
  auto const less = without(paper_set(6, 3, 0), {1, 4});
  EXPECT_EQ(less.classes, (std::vector<std::string>{"class 0", "class 2"}));
  EXPECT_EQ(less.cases[1].labels, (std::vector<std::int32_t>{1}));
  EXPECT_TRUE(layout_says(less.notes, "no usable image is left of class 1"));
}

}  // namespace
}  // namespace fovea
