#include "learn/data/layout_masks.hpp"

#include "base/core/refusal.hpp"
#include "base/io/formats.hpp"
#include "learn/data/clean.hpp"
#include "learn/data/layout.hpp"
#include "learn/data/make_sets.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <set>

namespace fovea {
namespace {

Volume masks_volume(std::vector<int> const& values,
                    std::array<std::int64_t, 3> size = {4, 3, 2},
                    Type type = Type::u8) {
  Volume out{upright(size, {{1, 1, 2}}, {{-5, 3, 7}}), type};
  with_type(type, [&](auto kind) {
    auto const voxels = out.write<decltype(kind)>();
    for (std::size_t i = 0; i < values.size() && i < voxels.size(); ++i)
      voxels[i] = static_cast<decltype(kind)>(values[i]);
  });
  return out;
}

void put_volume(fs::path const& file, Volume const& volume) {
  make_folder(file.parent_path());
  write_volume(file, volume);
}

void put_words(fs::path const& file, std::string_view words) {
  make_folder(file.parent_path());
  write_file(file, words);
}

std::string masks_refusal(fs::path const& root) {
  try {
    read_dataset(root);
  } catch (Error const& error) {
    EXPECT_EQ(error.fault(), Fault::input) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "was read";
  return {};
}

bool masks_say(std::vector<std::string> const& lines, std::string_view words) {
  return std::ranges::any_of(
      lines, [&](auto const& line) { return line.find(words) != std::string::npos; });
}

std::vector<std::string> masks_ids(Dataset const& set, Split split) {
  std::vector<std::string> out;
  for (auto const at : set.in(split)) out.push_back(set.cases[at].id);
  return out;
}

using Names = std::vector<std::string>;

fs::path shared_set(std::string const& name) {
  auto const* const data = std::getenv("FOVEA_DATA");
  return (data != nullptr ? fs::path{data} : fs::path{FOVEA_SOURCE_DIR} / "../shared/data") /
         name;
}

}  // namespace

TEST(ImageStem, TakesOffTheEndingsOfImageFormats) {
  for (auto const& [name, stem] :
       std::vector<std::pair<std::string, std::string>>{{"a.nii.gz", "a"},
                                                        {"a.b.NII", "a.b"},
                                                        {"a_0000.nrrd", "a_0000"},
                                                        {"x.PNG", "x"},
                                                        {"notes.txt", ""},
                                                        {"a.img", ""},
                                                        {"a.hdr", "a"},
                                                        {"a", ""}})
    EXPECT_EQ(image_stem(name), stem) << name;
}

TEST(PathsInFiles, LeadNowhereButBelowTheirFolder) {
  fs::path const root = "/set";
  EXPECT_EQ(path_below(root, "./imagesTr/a.nii"), root / "imagesTr/a.nii");
  for (auto const* path : {"../a.nii", "a/../../b", "/etc/passwd", "", "a/../.."})
    EXPECT_FALSE(path_below(root, path)) << path;
}

TEST(ImagesAndMasks, ArePairedByNameInAnyFormat) {
  ScratchFolder scratch;
  auto const root = scratch.path();
  put_volume(root / "images/a.nii.gz", masks_volume({5, 6}));
  put_volume(root / "images/b.nrrd", masks_volume({5, 6}));
  put_volume(root / "images/c.mha", masks_volume({5, 6}));
  put_volume(root / "images/lonely.mha", masks_volume({5, 6}));
  put_volume(root / "labels/a.nii.gz", masks_volume({0, 2}));
  put_volume(root / "labels/b_seg.nrrd", masks_volume({0, 1}));
  put_volume(root / "labels/c.nii", masks_volume({0, 0, 2}));
  put_volume(root / "labels/x.nii", masks_volume({0, 0, 2}));
  auto const set = read_dataset(root);
  EXPECT_EQ(set.form, "images-and-masks");
  EXPECT_TRUE(set.masks);
  EXPECT_TRUE(set.classes.empty());
  EXPECT_EQ(masks_ids(set, Split::unassigned), (Names{"a", "b", "c"}));
  EXPECT_EQ(set.labels,
            (std::vector<MaskLabel>{mask_label("label 1", 1), mask_label("label 2", 2)}));
  ASSERT_EQ(set.problems.size(), 2U);
  EXPECT_NE(set.problems[0].message.find("lonely"), std::string::npos);
  EXPECT_NE(set.problems[1].message.find("x"), std::string::npos);
  auto const image = set.image(set.cases[1]);
  auto const map = set.mask(set.cases[1], image.grid());
  EXPECT_EQ(map.voxels.as<std::uint8_t>()[1], 1);
  EXPECT_EQ(map.segments.size(), 2U);
  EXPECT_EQ(map.segments[1].name, "label 2");
}

TEST(ImagesAndMasks, TakeSplitsFromFoldersAboveOrBelow) {
  for (auto const below : {false, true}) {
    ScratchFolder scratch;
    for (auto const* split : {"train", "val", "test"}) {
      for (auto const* kind : {"images", "masks"}) {
        auto const folder = below ? fs::path{kind} / split : fs::path{split} / kind;
        auto picture = image2d(4, 4, Type::u8);
        picture.write<std::uint8_t>()[3] = 255;
        make_folder(scratch.path() / folder);
        write_png(scratch.path() / folder / "a.png", picture);
      }
    }
    auto const set = read_dataset(scratch.path());
    EXPECT_EQ(masks_ids(set, Split::train), Names{"train/a"});
    EXPECT_EQ(masks_ids(set, Split::validation), Names{"val/a"});
    EXPECT_EQ(masks_ids(set, Split::test), Names{"test/a"});
    EXPECT_EQ(set.labels, std::vector<MaskLabel>{mask_label("foreground", 1)});
    Names heard;
    auto const map = set.mask(set.cases[0], set.image(set.cases[0]).grid(), &heard);
    EXPECT_EQ(map.voxels.as<std::uint8_t>()[3], 1);
    EXPECT_TRUE(masks_say(heard, "0 and 255, taken as 0 and 1"));
  }
}

TEST(ImagesAndMasks, NeverChooseByTheSplitThatIsReported) {
  ScratchFolder scratch;
  auto const root = scratch.path();
  std::string train;
  for (int i = 0; i < 12; ++i) {
    auto const name = text("case_", i);
    put_volume(root / "images" / (name + ".nii.gz"), masks_volume({i, 2 * i}));
    put_volume(root / "labels" / (name + ".nii.gz"), masks_volume({1}));
    if (i < 10) train += name + "\n";
  }
  put_words(root / "train.txt", train);
  put_words(root / "val.txt", "case_10\r\ncase_11.nii.gz\n\n");
  auto set = read_dataset(root);
  EXPECT_EQ(masks_ids(set, Split::test), (Names{"case_10", "case_11"}));
  EXPECT_TRUE(set.in(Split::validation).empty());
  EXPECT_TRUE(masks_say(set.notes, "take part in no choice"));
  assign_splits(set, 1);
  EXPECT_EQ(masks_ids(set, Split::test), (Names{"case_10", "case_11"}));
  EXPECT_FALSE(set.in(Split::validation).empty());
  EXPECT_EQ(set.in(Split::validation).size() + set.in(Split::train).size(), 10U);
  EXPECT_NO_THROW(expect_trainable(set));
  // Three lists mean what they say.
  put_words(root / "test.txt", "case_0\n");
  put_words(root / "train.txt", train.substr(train.find('\n') + 1));
  auto const three = read_dataset(root);
  EXPECT_EQ(masks_ids(three, Split::test), Names{"case_0"});
  EXPECT_EQ(masks_ids(three, Split::validation), (Names{"case_10", "case_11"}));
}

TEST(ImagesAndMasks, RefuseListsThatContradict) {
  ScratchFolder scratch;
  auto const root = scratch.path();
  for (auto const* name : {"a", "b"}) {
    put_volume(root / "images" / (std::string{name} + ".nii"), masks_volume({1}));
    put_volume(root / "labels" / (std::string{name} + ".nii"), masks_volume({1}));
  }
  put_words(root / "train.txt", "a\nb\n");
  put_words(root / "test.txt", "b\n");
  EXPECT_NE(masks_refusal(root).find("got b in"), std::string::npos);
  put_words(root / "test.txt", "nobody\n");
  EXPECT_NE(masks_refusal(root).find("nobody"), std::string::npos);
}

TEST(ImagesAndMasks, SayWhatIsMissing) {
  ScratchFolder scratch;
  auto const root = scratch.path();
  put_volume(root / "images/a.nii", masks_volume({1}));
  EXPECT_NE(masks_refusal(root).find("images without a folder of masks"), std::string::npos);
  put_volume(root / "labels/other.nii", masks_volume({1}));
  EXPECT_NE(masks_refusal(root).find("of the same names"), std::string::npos);
  put_volume(root / "labels/a.nii", masks_volume({0}));
  EXPECT_NE(masks_refusal(root).find("0 everywhere"), std::string::npos);
}

TEST(ImagesAndMasks, NameTheirLabelsInATextFile) {
  ScratchFolder scratch;
  auto const root = scratch.path();
  put_volume(root / "images/a.nii", masks_volume({1}));
  put_volume(root / "labels/a.nii", masks_volume({1, 7}));
  put_words(root / "labels.txt", "# value name\n0 background\n1 front part\n7: back\n");
  auto const set = read_dataset(root);
  EXPECT_EQ(set.labels,
            (std::vector<MaskLabel>{mask_label("front part", 1), mask_label("back", 7)}));
  for (auto const* words : {"front 1\n", "1\n", "1 a\n1 b\n", "0 background\n", "70000 a\n"}) {
    put_words(root / "labels.txt", words);
    EXPECT_NE(masks_refusal(root).find("labels.txt"), std::string::npos) << words;
  }
}

TEST(DecathlonJson, GivesNamesSplitsAndChannels) {
  ScratchFolder scratch;
  auto const root = scratch.path();
  put_words(root / "dataset.json", R"({"name": "T", "modality": {"0": "MRI"},
    "labels": {"0": "background", "2": "Posterior", "1": "Anterior"},
    "training": [{"image": "./imagesTr/a.nii.gz", "label": "./labelsTr/a.nii.gz"},
                 {"image": "./imagesTr/b.nii.gz", "label": "./labelsTr/b.nii.gz"},
                 {"image": "./imagesTr/gone.nii.gz", "label": "./labelsTr/gone.nii.gz"}],
    "test": ["./imagesTs/c.nii.gz"]})");
  put_volume(root / "imagesTr/a.nii.gz", masks_volume({4}));
  put_volume(root / "imagesTr/b_0000.nii.gz", masks_volume({4}));  // as nnU-Net v1 renames them
  put_volume(root / "imagesTs/c.nii.gz", masks_volume({4}));
  for (auto const* name : {"a", "b", "gone"})
    put_volume(root / "labelsTr" / (std::string{name} + ".nii.gz"), masks_volume({1, 2}));
  auto const set = read_dataset(root);
  EXPECT_EQ(set.form, "nnunet");
  EXPECT_EQ(set.channels, Names{"MRI"});
  EXPECT_EQ(set.labels,
            (std::vector<MaskLabel>{mask_label("Anterior", 1), mask_label("Posterior", 2)}));
  EXPECT_FALSE(set.regions());
  EXPECT_EQ(masks_ids(set, Split::unassigned), (Names{"a", "b"}));
  EXPECT_TRUE(masks_say(set.notes, "1 images in imagesTs have no masks"));
  ASSERT_EQ(set.problems.size(), 1U);
  EXPECT_EQ(set.problems[0].kind, "missing");
}

TEST(NnunetJson, GivesChannelsRegionsAndWhatIsIgnored) {
  ScratchFolder scratch;
  auto const root = scratch.path();
  put_words(root / "dataset.json", R"({"channel_names": {"0": "T1", "1": "CT"},
    "labels": {"background": 0, "whole": [1, 2, 3], "core": [2, 3], "ignore": 4},
    "regions_class_order": [1, 3], "numTraining": 2, "file_ending": ".nrrd"})");
  for (auto const* name : {"p_01", "p_02"}) {
    put_volume(root / "imagesTr" / (std::string{name} + "_0000.nrrd"), masks_volume({1, 2}));
    put_volume(root / "imagesTr" / (std::string{name} + "_0001.nrrd"),
               masks_volume({3, -4}, {4, 3, 2}, Type::i16));
    put_volume(root / "labelsTr" / (std::string{name} + ".nrrd"), masks_volume({1, 4}));
  }
  put_volume(root / "imagesTs/p_03_0000.nrrd", masks_volume({1, 2}));
  put_volume(root / "imagesTs/p_03_0001.nrrd", masks_volume({1, 2}));
  put_volume(root / "labelsTs/p_03.nrrd", masks_volume({3}));
  auto const set = read_dataset(root, {.patient_from = "^(p_[0-9]+)_", .reader = {}});
  EXPECT_EQ(set.labels, (std::vector<MaskLabel>{{"whole", {1, 2, 3}, 1}, {"core", {2, 3}, 3}}));
  EXPECT_TRUE(set.regions());
  EXPECT_EQ(set.ignore, 4);
  EXPECT_EQ(masks_ids(set, Split::train), (Names{"p_01", "p_02"}));
  EXPECT_EQ(masks_ids(set, Split::test), Names{"p_03"});
  EXPECT_EQ(set.cases[0].patient, "p_01");
  auto const image = set.image(set.cases[0]);
  ASSERT_EQ(image.channels(), 2);
  EXPECT_EQ(image.type(), Type::f32);
  EXPECT_EQ(image.channel<float>(0)[1], 2);
  EXPECT_EQ(image.channel<float>(1)[1], -4);
  auto const map = set.mask(set.cases[0], image.grid());
  EXPECT_EQ(map.voxels.as<std::uint8_t>()[1], 4);
  EXPECT_EQ(map.segments.size(), 3U);  // 1, 2, 3: what is ignored is no segment
}

TEST(NnunetJson, SaysWhatIsNotThere) {
  ScratchFolder scratch;
  put_words(scratch.path() / "dataset.json", R"({"labels": {"a": 1}, "file_ending": ".nii"})");
  EXPECT_NE(masks_refusal(scratch.path()).find("got no such files"), std::string::npos);
  put_volume(scratch.path() / "imagesTr/one_0000.nii", masks_volume({1}));
  EXPECT_NE(masks_refusal(scratch.path()).find("without a mask: one"), std::string::npos);
}

TEST(NnunetJson, ListsCasesThatLieElsewhereBelow) {
  ScratchFolder scratch;
  auto const root = scratch.path();
  put_words(root / "dataset.json", R"({"channel_names": {"0": "CT"}, "file_ending": ".nii",
    "labels": {"background": 0, "a": 1}, "dataset": {
      "one": {"images": ["deep/x.nii"], "label": "deep/x_mask.nii"},
      "two": {"images": ["deep/none.nii"], "label": "deep/x_mask.nii"}}})");
  put_volume(root / "deep/x.nii", masks_volume({1}));
  put_volume(root / "deep/x_mask.nii", masks_volume({1}));
  EXPECT_EQ(masks_ids(read_dataset(root), Split::unassigned), Names{"one"});
}

TEST(NnunetJson, RefusesWhatIsBroken) {
  struct Row {
    std::string_view json, says;
  };
  for (auto const& row : std::initializer_list<Row>{
           {R"({"labels": {"a": 1})", "dataset.json"},
           {R"({"labels": {}})", "labels"},
           {R"({"labels": {"background": 0}})", "above 0"},
           {R"({"labels": {"a": 1.5}})", "whole number"},
           {R"({"labels": {"a": -1}})", "whole number"},
           {R"({"labels": {"a": 99999999999999999999}})", "whole number"},
           {R"({"labels": {"a": [1, 2]}})", "regions_class_order"},
           {R"({"labels": {"a": [1, 2]}, "regions_class_order": [1, 2]})", "of 1 values"},
           {R"({"labels": {"a": 1, "ignore": 1}})", "own"},
           {R"({"labels": {"a": 1}, "file_ending": "/../x"})", "ending"},
           {R"({"labels": {"a": 1}, "channel_names": {"1": "CT"}})", "channel 0"},
           {R"({"labels": {"a": 1}, "channel_names": []})", "channels"},
           {R"({"labels": {"a": 1}, "training": [{"image": "../x.nii", "label": "y"}]})",
            "below"},
           {R"({"labels": {"a": 1}, "dataset": {"c": {"images": 1, "label": "y"}}})", "images"},
           {R"({"labels": {"a": 1}, "channel_names": {"0": "A", "1": "B"},
                "file_ending": ".nii"})",
            "channels of one"}}) {
    ScratchFolder scratch;
    put_volume(scratch.path() / "imagesTr/one_0000.nii", masks_volume({1}));
    put_volume(scratch.path() / "labelsTr/one.nii", masks_volume({1}));
    put_words(scratch.path() / "dataset.json", row.json);
    EXPECT_NE(masks_refusal(scratch.path()).find(row.says), std::string::npos) << row.json;
  }
}

TEST(Drive, IsPairedByNumberAlsoWhereOnePartIsGivenAlone) {
  ScratchFolder scratch;
  auto const root = scratch.path();
  for (auto const* name : {"images/21_training.png", "images/22_training.png",
                           "1st_manual/21_manual1.png", "mask/21_training_mask.png"})
    put_picture(root / "training" / name, 1);
  put_picture(root / "test/images/01_test.png", 1);
  put_picture(root / "test/2nd_manual/01_manual2.png", 1);
  auto const set = read_dataset(root);
  EXPECT_EQ(set.form, "drive");
  EXPECT_EQ(masks_ids(set, Split::train), Names{"training/21"});
  EXPECT_FALSE(set.cases[0].field_of_view.file.empty());
  ASSERT_EQ(set.problems.size(), 1U);  // 22 and the test image have no 1st_manual
  EXPECT_NE(set.problems[0].message.find("training/22"), std::string::npos);
  auto const alone = read_dataset(root / "training");
  EXPECT_EQ(alone.form, "drive");
  EXPECT_EQ(masks_ids(alone, Split::unassigned), Names{"21"});
  fs::remove_all(root / "training/1st_manual/21_manual1.png");
  EXPECT_NE(masks_refusal(root).find("same numbers"), std::string::npos);
}

TEST(PascalVoc, HasIndicesAsLabelsAndIgnoresTheBorder) {
  ScratchFolder scratch;
  auto const root = scratch.path();
  for (auto const* name : {"a", "b", "c"}) {
    put_picture(root / "JPEGImages" / (std::string{name} + ".png"), 1);
    auto mask = image2d(24, 20, Type::u8);
    mask.write<std::uint8_t>()[0] = 255;
    mask.write<std::uint8_t>()[1] = 15;
    make_folder(root / "SegmentationClass");
    write_png(root / "SegmentationClass" / (std::string{name} + ".png"), mask);
  }
  put_words(root / "ImageSets/Segmentation/train.txt", "a\n");
  put_words(root / "ImageSets/Segmentation/val.txt", "b\n");
  put_words(root / "ImageSets/Segmentation/trainval.txt", "a\nb\n");
  auto const set = read_dataset(root);
  EXPECT_EQ(set.form, "pascal-voc");
  EXPECT_EQ(set.ignore, 255);
  EXPECT_EQ(set.labels, std::vector<MaskLabel>{mask_label("foreground", 15)});
  EXPECT_EQ(masks_ids(set, Split::train), Names{"a"});
  EXPECT_EQ(masks_ids(set, Split::test), Names{"b"});
  EXPECT_TRUE(masks_say(set.notes, "1 masks are in no list"));
  auto const map = set.mask(set.cases[0], set.image(set.cases[0]).grid());
  EXPECT_EQ(map.voxels.as<std::uint8_t>()[0], 255);
  EXPECT_EQ(map.segments.size(), 1U);
}

TEST(TableOfMasks, NamesImagesMasksSplitsAndPatients) {
  ScratchFolder scratch;
  auto const root = scratch.path();
  put_volume(root / "a.nii", masks_volume({1}));
  put_volume(root / "a2.nii", masks_volume({1}));
  put_volume(root / "a_m.nii", masks_volume({0, 3}));
  put_words(root / "list.csv",
            "image,image_2,label,split,patient\na.nii,a2.nii,a_m.nii,train,P\n"
            "gone.nii,a2.nii,a_m.nii,val,P\na.nii,a2.nii,gone.nii,test,Q\n");
  for (auto const& place : {root, root / "list.csv"}) {
    auto const set = read_dataset(place);
    EXPECT_EQ(set.form, "csv-masks");
    ASSERT_EQ(set.cases.size(), 1U);
    EXPECT_EQ(set.cases[0].patient, "P");
    EXPECT_EQ(set.cases[0].split, Split::train);
    EXPECT_EQ(set.image(set.cases[0]).channels(), 2);
    EXPECT_EQ(set.labels, std::vector<MaskLabel>{mask_label("foreground", 3)});
    EXPECT_EQ(set.problems.size(), 2U);
  }
  put_words(root / "list.csv", "image,mask,split\na.nii,a_m.nii,sometimes\n");
  EXPECT_NE(masks_refusal(root / "list.csv").find("row 2"), std::string::npos);
}

TEST(ListOfMasks, KeepsChannelsRegionsWhatIsIgnoredAndSplits) {
  ScratchFolder scratch;
  auto const root = scratch.path() / "set";
  put_words(root / "dataset.json", R"({"channel_names": {"0": "CT", "1": "PET"},
    "labels": {"background": 0, "whole": [1, 2], "core": 2, "ignore": 4},
    "regions_class_order": [1, 2], "file_ending": ".nii"})");
  for (auto const* folder : {"Tr", "Ts"}) {
    for (auto const* channel : {"_0000.nii", "_0001.nii"})
      put_volume(root / ("images" + std::string{folder}) / (std::string{folder} + channel),
                 masks_volume({1, 2, 3}));
    put_volume(root / ("labels" + std::string{folder}) / (std::string{folder} + ".nii"),
               masks_volume({1, 2, 4}));
  }
  auto set = read_dataset(root, {.patient_from = "^(..)", .reader = {}});
  set.cases[0].second_reader = set.cases[0].mask;
  set.cases[1].weight = 2;
  make_folder(scratch.path() / "lists");
  put_words(scratch.path() / "lists/fit.csv", list_of(set, scratch.path() / "lists"));
  put_words(scratch.path() / "lists/fit.json", labels_of(set));
  for (auto const* place : {"lists", "lists/fit.csv"}) {
    auto const back = read_dataset(scratch.path() / place);
    EXPECT_EQ(back.form, "csv-masks");
    EXPECT_EQ(back.labels, set.labels);
    EXPECT_EQ(back.channels, set.channels);
    EXPECT_EQ(back.ignore, set.ignore);
    ASSERT_EQ(back.cases.size(), 2U);
    for (std::size_t i = 0; i < 2; ++i) {
      auto const &was = set.cases[i], &is = back.cases[i];
      EXPECT_EQ(is.split, was.split);
      EXPECT_EQ(is.patient, was.patient);
      EXPECT_EQ(is.weight, was.weight);
      EXPECT_EQ(is.second_reader.file.empty(), was.second_reader.file.empty());
      ASSERT_EQ(is.channels.size(), 1U);
      for (auto const& [a, b] : {std::pair{is.image, was.image},
                                 {is.channels[0], was.channels[0]},
                                 {is.mask, was.mask}})
        EXPECT_TRUE(fs::equivalent(a.file, b.file)) << a.file;
    }
  }
}

TEST(ListOfMasks, CannotNameMasksThatAreDrawn) {
  Dataset set;
  set.masks = true;
  set.drawn = [](Location const&, Grid const& grid) { return Volume{grid, Type::u8}; };
  EXPECT_THROW(list_of(set, "."), Error);
}

TEST(SplitsOfMasks, FollowPatientsAndSpreadWhatMasksShow) {
  Dataset set;
  set.masks = true;
  set.labels = {mask_label("common", 1), mask_label("rare", 2)};
  for (int i = 0; i < 40; ++i)
    set.cases.push_back({.id = text(i),
                         .patient = text("p", i / 2),
                         .labels = {1, i % 10 == 0 ? 1 : 0},
                         .mask = {.file = "m"}});
  auto const all = set.in(Split::unassigned);
  auto const folds = folds_of(set, all, 4, 7);
  std::set<int> rare;
  for (std::size_t i = 0; i < folds.size(); ++i) {
    EXPECT_EQ(folds[i], folds[i ^ 1U]);
    if (set.cases[i].labels[1] == 1) rare.insert(folds[i]);
  }
  EXPECT_EQ(rare.size(), 4U);
  assign_splits(set, 3);
  for (std::size_t i = 0; i < set.cases.size(); i += 2)
    EXPECT_EQ(set.cases[i].split, set.cases[i + 1].split);
  for (auto const split : all_splits) {
    EXPECT_TRUE(std::ranges::any_of(
        set.in(split), [&](std::size_t at) { return set.cases[at].labels[1] == 1; }));
    EXPECT_EQ(set.labelled(split), set.in(split));
  }
  EXPECT_NO_THROW(expect_trainable(set));
  for (auto const at : set.in(Split::train)) set.cases[at].labels[1] = 0;
  EXPECT_THROW(expect_trainable(set), Error);
  for (auto const at : set.in(Split::validation)) set.cases[at].mask = {};
  for (auto const at : set.in(Split::train)) set.cases[at].labels = {};
  EXPECT_THROW(expect_trainable(set), Error);
}

TEST(SplitsOfMasks, NeedNobodyToHaveLooked) {
  Dataset set;
  set.masks = true;
  set.labels = {mask_label("a", 1)};
  set.cases.push_back({.id = "only", .split = Split::train, .mask = {.file = "m"}});
  EXPECT_THROW(expect_trainable(set), Error);
  set.cases.clear();
  for (int i = 0; i < 10; ++i) set.cases.push_back({.id = text(i), .mask = {.file = "m"}});
  assign_splits(set, 3);
  EXPECT_FALSE(set.in(Split::test).empty());
  EXPECT_NO_THROW(expect_trainable(set));
}

TEST(GivenSets, HippocampusIsReadAsItsReadmeSays) {
  auto const root = shared_set("hippocampus-3d");
  if (!fs::is_directory(root)) GTEST_SKIP() << "no " << root;
  auto const set = read_dataset(root);
  EXPECT_EQ(set.in(Split::train).size(), 166U);
  EXPECT_EQ(set.in(Split::test).size(), 42U);
  EXPECT_EQ(set.labels.size(), 2U);
  auto const& one = set.cases[5];
  auto const image = set.image(one);
  EXPECT_EQ(set.mask(one, image.grid()).voxels.grid().size, image.grid().size);
}

TEST(GivenSets, DriveIsReadAsItsReadmeSays) {
  auto const root = shared_set("retina-drive");
  if (!fs::is_directory(root)) GTEST_SKIP() << "no " << root;
  auto const set = read_dataset(root);
  EXPECT_EQ(set.form, "drive");
  EXPECT_EQ(set.in(Split::train).size(), 20U);
  // The second human against the first inside the field of view: Dice 0.789, as published.
  double both = 0;
  double sum = 0;
  for (auto const at : set.in(Split::test)) {
    auto const& one = set.cases[at];
    auto const grid = set.image(one).grid();
    auto const first = set.mask(one, grid).voxels;
    auto const second = set.second_mask(one, grid)->voxels;
    auto const field = set.field_of_view(one, grid);
    for (std::size_t i = 0; i < first.byte_count(); ++i) {
      if (field->as<std::uint8_t>()[i] == 0) continue;
      auto const a = first.as<std::uint8_t>()[i];
      auto const b = second.as<std::uint8_t>()[i];
      both += a & b;
      sum += a + b;
    }
  }
  EXPECT_NEAR(2 * both / sum, 0.7891, 0.0001);
}

}  // namespace fovea
