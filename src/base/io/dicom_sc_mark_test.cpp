#include "base/io/dicom_sc_mark.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace fovea {
namespace {

// The rows of a picture below another, as letters of '#' and '.', cut at `columns`.
template <class T>
std::vector<std::string> mark_test_rows(Volume const& picture,
                                        std::int64_t from,
                                        std::int64_t rows,
                                        std::int64_t first,
                                        std::int64_t columns) {
  std::vector<std::string> out;
  for (auto y = from; y < from + rows; ++y) {
    auto& row = out.emplace_back();
    for (auto x = first; x < first + columns; ++x)
      row +=
          picture.as<T>()[static_cast<std::size_t>(y * picture.width() + x)] != 0 ? '#' : '.';
  }
  return out;
}

TEST(ScMark, StandsBelowThePictureInWordsThatCanBeRead) {
  auto picture = image2d(200, 3, Type::u8, 3);
  std::ranges::fill(picture.write<std::uint8_t>(), std::uint8_t{7});
  auto const out = with_words_below(picture, "a1 \xc3\xbc");
  EXPECT_EQ(out.width(), 200);
  EXPECT_EQ(out.channels(), 3);
  EXPECT_EQ(mark_test_rows<std::uint8_t>(out, 7, 7, 4, 23),
            (std::vector<std::string>{".###....#..........###.", "#...#..##.........#...#",
                                      "#...#...#.............#", "#####...#............#.",
                                      "#...#...#...........#..", "#...#...#..............",
                                      "#...#..###..........#.."}));
  for (std::int64_t c = 0; c < 3; ++c) {
    for (std::size_t n = 0; n < 600; ++n) ASSERT_EQ(out.channel<std::uint8_t>(c)[n], 7);
  }
}

TEST(ScMark, WidensWhatIsNarrowAndBreaksLines) {
  auto picture = image2d(2, 2, Type::u16);
  picture.write<std::uint16_t>()[3] = 900;
  auto const one = with_words_below(picture, "short");
  auto const many = with_words_below(
      picture, "words that need more than a single line " + std::string(60, 'x'));
  EXPECT_EQ(one.width(), 160);
  EXPECT_EQ(one.height(), 2 + 4 + 10);
  EXPECT_EQ(many.height(), 2 + 4 + 5 * 10);
  EXPECT_EQ(std::ranges::max(one.as<std::uint16_t>()), 900) << "no brighter than the picture";
  EXPECT_EQ(one.as<std::uint16_t>()[161], 900);
}

}  // namespace
}  // namespace fovea
