#include "learn/data/coco_masks.hpp"

#include "base/core/refusal.hpp"
#include "learn/data/layout.hpp"
#include "learn/data/make_sets.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace fovea {
namespace {

// 4 x 3 pixels, two categories of which the second has the smaller number.
std::string coco_words(std::string const& annotations) {
  return R"({"images": [{"id": 7, "file_name": "a.png", "width": 4, "height": 3}],
    "categories": [{"id": 9, "name": "nine"}, {"id": 2, "name": "two"}],
    "annotations": [)" +
         annotations + "]}";
}

std::string coco_one(std::string const& segmentation, int category = 2) {
  return text(R"({"image_id": 7, "category_id": )", category, R"(, "segmentation": )",
              segmentation, "}");
}

CocoSet coco_of(std::string const& words) {
  return parse_coco(parse_json(words, "a.json"), "a.json");
}

std::vector<int> coco_drawn(std::string const& annotations) {
  auto const set = coco_of(coco_words(annotations));
  auto const drawn = draw_coco(set.images.at(0), image2d(4, 3, Type::u8).grid());
  auto const voxels = drawn.as<std::uint8_t>();
  return {voxels.begin(), voxels.end()};
}

using Voxels = std::vector<int>;

}  // namespace

TEST(CocoMasks, NumberCategoriesInTheirOrder) {
  EXPECT_EQ(coco_of(coco_words("")).categories, (std::vector<std::string>{"two", "nine"}));
}

TEST(CocoMasks, DrawPolygonsByThePixelsMiddle) {
  // From the corner (1, 0) to the corner (3, 2): two by two pixels.
  EXPECT_EQ(coco_drawn(coco_one("[[1,0, 3,0, 3,2, 1,2]]")),
            (Voxels{0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0}));
  // Two parts of one object; one leaves the image.
  EXPECT_EQ(coco_drawn(coco_one("[[0,0, 1,0, 1,1, 0,1], [3,2, 9,2, 9,9, 3,9]]", 9)),
            (Voxels{2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}));
}

TEST(CocoMasks, DrawRunsDownTheColumns) {
  // Column by column: 1 outside, 3 inside (the rest of column 0 and the top of column 1), 8
  // outside.
  auto const wanted = Voxels{0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0};
  EXPECT_EQ(coco_drawn(coco_one(R"({"size": [3, 4], "counts": [1, 3, 8]})")), wanted);
  // The same as letters: 48 + number.
  EXPECT_EQ(coco_drawn(coco_one(R"({"size": [3, 4], "counts": "138"})")), wanted);
}

TEST(CocoMasks, UnpackLongRunsAndDifferences) {
  // 40 = 8 + 32: "X1"; the fourth number is written as difference to the second: 60 - 70.
  auto const words = std::string{R"({"images": [{"id": 1, "file_name": "a", "width": 20,
    "height": 10}], "categories": [{"id": 1, "name": "a"}], "annotations": [{"image_id": 1,
    "category_id": 1, "segmentation": {"size": [10, 20], "counts": "X1V2n0F"}}]})"};
  auto const set = coco_of(words);
  EXPECT_EQ(set.images[0].shapes[0].runs, (std::vector<std::uint32_t>{40, 70, 30, 60}));
}

TEST(CocoMasks, PutTheSmallerOnTop) {
  auto const large = coco_one("[[0,0, 4,0, 4,3, 0,3]]", 9);
  auto const small = coco_one("[[0,0, 1,0, 1,1, 0,1]]", 2);
  auto const wanted = Voxels{1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2};
  EXPECT_EQ(coco_drawn(large + "," + small), wanted);
  EXPECT_EQ(coco_drawn(small + "," + large), wanted);
}

TEST(CocoMasks, RefuseWhatIsBroken) {
  for (auto const* segmentation :
       {"[[1,0, 3,0]]", "[[1,0, 3,0, 3]]", R"([["x",0, 3,0, 3,2]])", "[[1e99,0, 3,0, 3,2]]",
        "[1]", "7", R"({"size": [4, 3], "counts": [12]})",
        R"({"size": [3, 4], "counts": [11]})", R"({"size": [3, 4], "counts": [-1, 13]})",
        R"({"size": [3, 4], "counts": "~"})", R"({"size": [3, 4], "counts": "ooooooooo"})",
        R"({"size": [3, 4], "counts": "X"})", R"({"size": [3, 4]})"})
    EXPECT_THROW(coco_of(coco_words(coco_one(segmentation))), Error) << segmentation;
  EXPECT_THROW(coco_of(coco_words(R"({"image_id": 8, "category_id": 2})")), Error);
  EXPECT_THROW(coco_of(coco_words(R"({"image_id": 7, "category_id": 3})")), Error);
  EXPECT_THROW(coco_of(R"({"images": [], "annotations": []})"), Error);
  EXPECT_EQ(
      coco_of(coco_words(R"({"image_id": 7, "category_id": 2, "bbox": [1,1,1,1]})")).boxes_only,
      1U);
  auto const set = coco_of(coco_words(coco_one("[[1,0, 3,0, 3,2]]")));
  EXPECT_THROW(draw_coco(set.images[0], image2d(3, 4, Type::u8).grid()), Refusal);
}

TEST(CocoLayout, FindsImagesSplitsAndMasks) {
  ScratchFolder scratch;
  auto const root = scratch.path();
  make_folder(root / "annotations");
  make_folder(root / "train2017");
  make_folder(root / "val2017");
  auto picture = image2d(4, 3, Type::u8);
  write_png(root / "train2017/a.png", picture);
  write_png(root / "val2017/a.png", picture);
  auto const words = coco_words(coco_one("[[1,0, 3,0, 3,2, 1,2]]"));
  write_file(root / "annotations/instances_train2017.json", words);
  write_file(root / "annotations/instances_val2017.json", words);
  auto const set = read_dataset(root);
  EXPECT_EQ(set.form, "coco");
  EXPECT_EQ(set.labels.size(), 2U);
  EXPECT_EQ(set.in(Split::train).size(), 1U);
  ASSERT_EQ(set.in(Split::test).size(), 1U);  // of val, which is what is reported
  for (auto const& one : set.cases) {
    auto const image = set.image(one);
    EXPECT_EQ(set.mask(one, image.grid()).voxels.as<std::uint8_t>()[1], 1);
  }
  EXPECT_NE(set.cases[0].id, set.cases[1].id);
  EXPECT_EQ(set.hash(), read_dataset(root).hash());
}

TEST(CocoLayout, SaysWhyItIsNone) {
  ScratchFolder scratch;
  auto const root = scratch.path();
  write_file(root / "boxes.json",
             coco_words(R"({"image_id": 7, "category_id": 2, "bbox": [1,1,1,1]})"));
  write_png(root / "a.png", image2d(4, 3, Type::u8));
  auto const refused = [&] {
    try {
      read_dataset(root);
    } catch (Error const& error) {
      return std::string{error.what()};
    }
    return std::string{"was read"};
  };
  EXPECT_NE(refused().find("without outlines"), std::string::npos) << refused();
  write_file(root / "boxes.json",
             R"({"images": [{"id": 7, "file_name": "../a.png", "width": 4, "height": 3}],
    "categories": [{"id": 2, "name": "two"}], "annotations": [)" +
                 coco_one("[[1,0, 3,0, 3,2, 1,2]]") + "]}");
  EXPECT_NE(refused().find("boxes.json names"), std::string::npos) << refused();
}

}  // namespace fovea
