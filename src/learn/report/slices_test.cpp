#include "learn/report/slices.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

namespace fovea {
namespace {

using SlicesPixel = std::array<int, 3>;

SlicesPixel slices_pixel(Volume const& picture, std::int64_t x, std::int64_t y) {
  SlicesPixel out{};
  for (std::int64_t c = 0; c < 3; ++c)
    out[static_cast<std::size_t>(c)] =
        picture.channel<std::uint8_t>(c)[static_cast<std::size_t>(y * picture.width() + x)];
  return out;
}

bool slices_shows(Volume const& picture, SlicesPixel const& colour) {
  for (std::int64_t y = 0; y < picture.height(); ++y)
    for (std::int64_t x = 0; x < picture.width(); ++x)
      if (slices_pixel(picture, x, y) == colour) return true;
  return false;
}

std::size_t slices_voxel(Volume const& volume, std::int64_t i, std::int64_t j, std::int64_t k) {
  return static_cast<std::size_t>((k * volume.height() + j) * volume.width() + i);
}

constexpr SlicesPixel slices_test_white = {255, 255, 255};
constexpr SlicesPixel slices_test_first = {230, 159, 0};
constexpr SlicesPixel slices_test_second = {86, 180, 233};

TEST(Slices, HaveSquarePixelsWithinTheirBounds) {
  struct Row {
    std::array<std::int64_t, 3> size;
    Spacing spacing;
    std::int64_t width, height;
  };
  for (auto const& row :
       {Row{{24, 12, 3}, {{1, 1, 5}}, 240, 120}, Row{{100, 100, 3}, {{1, 3, 5}}, 100, 300},
        Row{{4000, 2000, 1}, {{1, 1, 1}}, 512, 256}}) {
    Volume const image{upright(row.size, row.spacing), Type::u8};
    auto const picture = slice_picture(image, nullptr, nullptr, 2, 0);
    EXPECT_EQ(picture.width(), row.width);
    EXPECT_EQ(picture.height(), row.height);
  }
}

TEST(Slices, OutlineEachLabelInItsColourAndTheTruthInWhiteWithARim) {
  Volume image{upright({24, 24, 1}, {}), Type::f32};
  std::ranges::fill(image.write<float>(), 1.F);  // as bright as can be
  image.write<float>()[0] = 0;
  Volume labels{image.grid(), Type::u8};
  for (std::int64_t j = 8; j < 16; ++j)
    for (std::int64_t i = 4; i < 20; ++i)
      labels.write<std::uint8_t>()[slices_voxel(labels, i, j, 0)] = i < 12 ? 1 : 2;
  auto const found = slice_picture(image, &labels, nullptr, 2, 0);
  EXPECT_TRUE(slices_shows(found, slices_test_first));
  EXPECT_TRUE(slices_shows(found, slices_test_second));
  auto const y = found.height() / 2;
  EXPECT_EQ(slices_pixel(found, 40, y), slices_test_first);
  EXPECT_EQ(slices_pixel(found, 39, y), slices_pixel(found, 20, y)) << "outside is the image";
  auto const truth = slice_picture(image, nullptr, &labels, 2, 0);
  EXPECT_EQ(slices_pixel(truth, 40, y), slices_test_white);
  EXPECT_EQ(slices_pixel(truth, 39, y), (SlicesPixel{0, 0, 0}));
  EXPECT_FALSE(slices_shows(truth, slices_test_first));
}

TEST(Slices, AreTakenWhereMostIsAndStandUpright) {
  Volume image{upright({8, 8, 6}, {}), Type::i16, Unit::hounsfield};
  // Bright above (high k), so that the upper rows of a coronal slice are.
  std::ranges::fill(image.write<std::int16_t>(), static_cast<std::int16_t>(-1000));
  for (std::int64_t k = 3; k < 6; ++k)
    for (std::int64_t n = 0; n < 64; ++n)
      image.write<std::int16_t>()[static_cast<std::size_t>(k * 64 + n)] = 1500;
  Volume labels{image.grid(), Type::u8};
  labels.write<std::uint8_t>()[slices_voxel(labels, 2, 5, 4)] = 1;
  EXPECT_EQ(fullest_slice(labels, 2), 4);
  EXPECT_EQ(fullest_slice(labels, 1), 5);
  EXPECT_EQ(fullest_slice(labels, 0), 2);
  EXPECT_EQ(fullest_slice(Volume{image.grid(), Type::u8}, 2), 3);
  // A second label, large where the first is not, outweighs nothing: both are shown.
  Volume two{image.grid(), Type::u8};
  for (std::int64_t i = 0; i < 8; ++i) {
    two.write<std::uint8_t>()[slices_voxel(two, i, 0, 1)] = 2;
    if (i > 0) two.write<std::uint8_t>()[slices_voxel(two, i, 0, 4)] = 2;
  }
  two.write<std::uint8_t>()[slices_voxel(two, 0, 0, 4)] = 1;
  EXPECT_EQ(fullest_slice(two, 2), 4);
  auto const three = slice_pictures(image, labels, nullptr);
  ASSERT_EQ(three.size(), 3U);
  auto const& coronal = three[1];
  EXPECT_EQ(slices_pixel(coronal, 1, 1), slices_test_white);
  EXPECT_EQ(slices_pixel(coronal, 1, coronal.height() - 2), (SlicesPixel{0, 0, 0}));
}

TEST(Slices, OfPicturesKeepTheRangeOf8BitsAndAverageWhatAPixelCovers) {
  auto picture = image2d(1024, 4, Type::u8, 3);
  for (std::size_t i = 0; i < picture.as<std::uint8_t>().size(); ++i)
    picture.write<std::uint8_t>()[i] = i % 2 == 0 ? 40 : 60;
  auto const shown = slice_pictures(picture, Volume{picture.grid(), Type::u8}, nullptr);
  ASSERT_EQ(shown.size(), 1U);
  EXPECT_EQ(shown[0].width(), 512);
  EXPECT_EQ(slices_pixel(shown[0], 100, 0), (SlicesPixel{50, 50, 50}));
}

TEST(Slices, OfCtKeepShadesApartFromLungToBone) {
  constexpr std::int16_t values[] = {-1000, -860, -160, 0, 40, 100, 240, 900, 1500, 3000};
  Volume image{upright({std::ssize(values), 1, 1}, {}), Type::i16, Unit::hounsfield};
  std::ranges::copy(values, image.write<std::int16_t>().begin());
  auto const picture = slice_picture(image, nullptr, nullptr, 2, 0, {.least = 1, .most = 1000});
  std::vector<int> shades;
  for (std::int64_t x = 0; x < picture.width(); ++x)
    shades.push_back(slices_pixel(picture, x, 0)[0]);
  EXPECT_EQ(shades.front(), 0);
  EXPECT_EQ(shades.back(), 255);
  for (std::size_t i = 1; i + 1 < shades.size(); ++i) EXPECT_LT(shades[i - 1], shades[i]);
  EXPECT_GT(shades[5] - shades[4], 20) << "liver and tumour differ visibly";
}

TEST(Slices, OfEnlargedVoxelsHaveSmoothBorders) {
  Volume image{upright({8, 8, 1}, {}), Type::f32};
  Volume labels{image.grid(), Type::u8};
  for (std::int64_t j = 0; j < 8; ++j)
    for (std::int64_t i = 0; i < 8; ++i) {
      auto const at = slices_voxel(labels, i, j, 0);
      image.write<float>()[at] = static_cast<float>(i);
      labels.write<std::uint8_t>()[at] = i + j >= 8 ? 1 : 0;
    }
  auto const picture = slice_picture(image, &labels, nullptr, 2, 0);
  ASSERT_EQ(picture.width(), 240);
  // Along the diagonal no step is longer than a few of the 30 pixels of a voxel.
  std::int64_t before = -1;
  for (std::int64_t y = 60; y < 180; ++y) {
    std::int64_t first = 0;
    while (slices_pixel(picture, first, y) != slices_test_first) ++first;
    if (before >= 0) {
      EXPECT_LE(std::abs(first - before), 12);
    }
    before = first;
  }
  // Shades go up evenly in the upper left, where no label is.
  for (std::int64_t x = 20; x < 100; ++x)
    EXPECT_LE(slices_pixel(picture, x, 5)[0] - slices_pixel(picture, x - 1, 5)[0], 3);
}

TEST(Slices, StandBesideEachOtherOnASheet) {
  Volume image{upright({30, 20, 10}, {{1, 1, 2}}), Type::f32};
  Volume const labels{image.grid(), Type::u8};
  auto const three = slice_pictures(image, labels, nullptr, {.least = 60, .most = 60});
  auto const sheet = slice_sheet(three);
  EXPECT_EQ(sheet.width(), three[0].width() + 4 + 60);
  EXPECT_GE(sheet.height(), three[1].height() + 4 + three[2].height());
  EXPECT_EQ(slice_sheet({three[0]}).width(), three[0].width());
}

}  // namespace
}  // namespace fovea
