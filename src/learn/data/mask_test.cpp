#include "base/core/refusal.hpp"
#include "base/geometry/orient.hpp"
#include "learn/data/dataset.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace fovea {
namespace {

Dataset mask_set(Volume const& mask, std::vector<std::int32_t> const& values = {1, 2}) {
  Dataset set;
  set.masks = true;
  for (auto const value : values) set.labels.push_back({text("v", value), {value}, value});
  set.cases.push_back({.id = "one", .image = {.file = "i"}, .mask = {.file = "m"}});
  set.drawn = [mask](Location const&, Grid const&) { return mask; };
  return set;
}

Volume mask_of_values(std::vector<double> const& values, Type type = Type::f32) {
  Volume out{upright({static_cast<std::int64_t>(values.size()), 1, 1}, {}), type};
  with_type(type, [&](auto kind) {
    std::ranges::transform(values, out.write<decltype(kind)>().begin(),
                           [](double v) { return static_cast<decltype(kind)>(v); });
  });
  return out;
}

std::string mask_fault(Dataset const& set, Grid const& image, std::string* words = nullptr) {
  try {
    set.mask(set.cases[0], image);
  } catch (Refusal const& refusal) {
    if (words != nullptr) *words = refusal.what();
    EXPECT_NE(std::string{refusal.what()}.find("one"), std::string::npos) << refusal.what();
    return std::string{refusal.code()};
  }
  return "read";
}

}  // namespace

TEST(Mask, RefusesValuesThatAreNoLabels) {
  struct Row {
    std::vector<double> values;
    std::string_view code;
  };
  for (auto const& row :
       std::initializer_list<Row>{{{0, 1, 2}, "read"},
                                  {{0, 0, 0}, "read"},
                                  {{0, 1.5}, "non-integer-label"},
                                  {{0, -1}, "negative-label"},
                                  {{0, std::nan("")}, "not-finite"},
                                  {{0, std::numeric_limits<double>::infinity()}, "not-finite"},
                                  {{0, 3}, "undeclared-label"},
                                  {{0, 70000}, "undeclared-label"},
                                  {{0, 1e30}, "undeclared-label"},
                                  {{0, 1, 255}, "undeclared-label"},
                                  {{0, 255}, "read"}}) {
    auto const mask = mask_of_values(row.values);
    EXPECT_EQ(mask_fault(mask_set(mask), mask.grid()), row.code) << row.values.back();
  }
}

TEST(Mask, TakesEveryTypeOfWholeNumber) {
  for (auto const type : all_types) {
    auto const mask = mask_of_values({0, 2, 1}, type);
    auto const set = mask_set(mask);
    auto const map = set.mask(set.cases[0], mask.grid());
    EXPECT_EQ(map.voxels.type(), Type::u8);
    EXPECT_EQ(map.voxels.as<std::uint8_t>()[1], 2);
    EXPECT_NO_THROW(check(map));
  }
  auto const wide = mask_of_values({0, 300});
  auto const set = mask_set(wide, {300});
  EXPECT_EQ(set.mask(set.cases[0], wide.grid()).voxels.as<std::uint16_t>()[1], 300);
}

TEST(Mask, KeepsAWhiteThatIsDeclaredOrIgnored) {
  auto const mask = mask_of_values({0, 255});
  auto declared = mask_set(mask, {1, 255});
  EXPECT_EQ(declared.mask(declared.cases[0], mask.grid()).voxels.as<std::uint8_t>()[1], 255);
  auto ignored = mask_set(mask, {1});
  ignored.ignore = 255;
  EXPECT_EQ(ignored.mask(ignored.cases[0], mask.grid()).voxels.as<std::uint8_t>()[1], 255);
  auto neither = mask_set(mask, {2});
  EXPECT_EQ(mask_fault(neither, mask.grid()), "undeclared-label");
}

TEST(Mask, RefusesAnotherGridSayingInWhatItDiffers) {
  auto const grid = upright({3, 4, 5}, {{1, 1, 2}}, {{10, 20, 30}});
  auto moved = grid;
  moved.origin.mm[1] += 3;
  auto wider = upright({3, 4, 5}, {{1, 1, 2.5}}, {{10, 20, 30}});
  auto const flipped = reorient(Volume{grid, Type::u8}, "RPS").grid();
  auto shorter = grid;
  shorter.size[0] = 2;
  auto rounded = grid;
  rounded.origin.mm[0] += 1e-5;
  struct Row {
    Grid grid;
    std::string_view words;  // empty: it is the same
  };
  for (auto const& row :
       std::initializer_list<Row>{{moved, "first voxel 3.000 mm"},
                                  {wider, "up to 0.5000 mm off"},
                                  {flipped, "axis i turned by 180.00 degrees"},
                                  {shorter, "sizes 2 x 4 x 5, the image has 3 x 4 x 5"},
                                  {rounded, ""}}) {
    auto const set = mask_set(Volume{row.grid, Type::u8});
    std::string words;
    EXPECT_EQ(mask_fault(set, grid, &words), row.words.empty() ? "read" : "grid-differs");
    EXPECT_NE(words.find(row.words), std::string::npos) << words;
  }
}

TEST(Mask, OfOutlinesSaysAsWellWhetherTheSizeOrTheFileIsAtFault) {
  auto const grid = upright({2, 1, 1}, {});
  auto set = mask_set(Volume{grid, Type::u8});
  for (auto const* code : {"grid-differs", "truncated"}) {
    set.drawn = [code](Location const&, Grid const&) -> Volume {
      throw Refusal{code, "the outlines do not fit", "draw them again"};
    };
    EXPECT_EQ(mask_fault(set, grid),
              std::string_view{code} == "truncated" ? "unreadable" : "grid-differs");
  }
}

TEST(Mask, IsOneNumberAVoxel) {
  auto grey = image2d(2, 1, Type::u8, 3);
  for (std::int64_t c = 0; c < 3; ++c) grey.write_channel<std::uint8_t>(c)[1] = 1;
  EXPECT_EQ(mask_fault(mask_set(grey), grey.grid()), "read");
  grey.write_channel<std::uint8_t>(1)[1] = 2;
  EXPECT_EQ(mask_fault(mask_set(grey), grey.grid()), "unreadable");
}

TEST(Mask, OfASecondReaderAndAFieldOfViewAreReadAsWell) {
  auto const mask = mask_of_values({0, 255, 255});
  auto set = mask_set(mask);
  EXPECT_FALSE(set.second_mask(set.cases[0], mask.grid()));
  EXPECT_FALSE(set.field_of_view(set.cases[0], mask.grid()));
  set.cases[0].second_reader.file = set.cases[0].field_of_view.file = "x";
  EXPECT_EQ(set.second_mask(set.cases[0], mask.grid())->voxels.as<std::uint8_t>()[1], 1);
  EXPECT_EQ(set.field_of_view(set.cases[0], mask.grid())->as<std::uint8_t>()[1], 1);
  EXPECT_THROW(set.field_of_view(set.cases[0], upright({3, 1, 2}, {})), Refusal);
}

TEST(Dataset, HashesMasksAndWhatTheyMean) {
  Dataset set;
  set.masks = true;
  set.labels = {{"a", {1}, 1}};
  set.cases.push_back({.id = "one", .image = {.file = "i"}, .mask = {.file = "m"}});
  auto const before = set.hash();
  set.cases[0].labels = {1};
  EXPECT_EQ(set.hash(), before);  // what was seen so far changes no set
  set.labels[0].values = {1, 2};
  EXPECT_NE(set.hash(), before);
}

}  // namespace fovea
