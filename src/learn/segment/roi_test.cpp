#include "learn/segment/roi.hpp"

#include "base/core/error.hpp"
#include "base/core/pool.hpp"
#include "learn/segment/test_models.hpp"
#include "learn/tensor/tensor.hpp"

#include <gtest/gtest.h>

namespace fovea {
namespace {

bool roi_holds(WindowBox const& box, std::array<std::int64_t, 3> const& kji) {
  for (std::size_t a = 0; a < 3; ++a) {
    if (kji[a] < box.first[a] || kji[a] >= box.first[a] + box.size[a]) return false;
  }
  return true;
}

Volume roi_marks(std::array<std::int64_t, 3> size,
                 Spacing spacing,
                 std::vector<std::array<std::int64_t, 3>> const& kji) {
  Volume out{upright(size, spacing), Type::u8};
  for (auto const& [k, j, i] : kji)
    out.write<std::uint8_t>()[static_cast<std::size_t>((k * size[1] + j) * size[0] + i)] = 3;
  return out;
}

TEST(BoxesOfInterest, LieAroundWhatIsMarkedWithTheirMargin) {
  // 2 mm along i, 1 along j, 5 along k: a margin of 4 mm is 2, 4 and 1 voxels.
  auto const labels = roi_marks({60, 60, 40}, {{2, 1, 5}}, {{20, 30, 5}, {20, 31, 6}});
  auto const boxes = boxes_of_interest(labels, 4);
  ASSERT_EQ(boxes.size(), 1U);
  EXPECT_TRUE(roi_holds(boxes[0], {19, 26, 3}));
  EXPECT_TRUE(roi_holds(boxes[0], {21, 35, 8}));
  EXPECT_LE(boxes[0].voxels(), 4 * 16 * 8);
  auto const all = boxes_of_interest(labels, 1000);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0], (WindowBox{{0, 0, 0}, {40, 60, 60}}));
}

TEST(BoxesOfInterest, AreSeveralWhereMarksAreFarApart) {
  auto const labels = roi_marks({60, 30, 90}, {{1, 1, 1}}, {{4, 4, 4}, {80, 20, 50}});
  auto const boxes = boxes_of_interest(labels, 5);
  ASSERT_EQ(boxes.size(), 2U);
  EXPECT_TRUE(roi_holds(boxes[0], {0, 0, 0}));
  EXPECT_TRUE(roi_holds(boxes[1], {85, 25, 55}));
  EXPECT_TRUE(boxes_of_interest(roi_marks({9, 9, 9}, {}, {}), 5).empty());
}

TEST(BoxesOfInterest, AreOneWhereThereAreSpecksEverywhere) {
  std::vector<std::array<std::int64_t, 3>> specks;
  for (std::int64_t k = 5; k < 100; k += 15)
    for (std::int64_t j = 5; j < 100; j += 15)
      for (std::int64_t i = 5; i < 100; i += 15) specks.push_back({k, j, i});
  auto const boxes = boxes_of_interest(roi_marks({100, 100, 100}, {}, specks), 2);
  ASSERT_EQ(boxes.size(), 1U);
  for (auto const& speck : specks) EXPECT_TRUE(roi_holds(boxes[0], speck));
  EXPECT_THROW(boxes_of_interest(roi_marks({9, 9, 9}, {}, {}), 0), Error);
}

// Windows of these tests are so small that threads would mostly wait for each other.
class RegionsOfInterest : public testing::Test {
 protected:
  void SetUp() override { use_threads(1); }
  void TearDown() override { use_threads(usable_cores()); }
};

// A long body with something at both ends.
TEST_F(RegionsOfInterest, GiveTheSameMaskInFewerWindows) {
  auto const grid = upright({30, 34, 240}, {{3, 3, 2}}, {{5, 6, 7}});
  auto const image = test_body(grid, {{12, 14, 20, 5}, {18, 20, 220, 6}}, 0.01F);
  auto const model = test_segmenter({.spacing = {3, 3, 3}});
  auto const contract = segment_contract(model.about);
  double windows = 0;
  SegmentAsk ask{.progress = [&](double, double all) { windows = all; }};
  auto const whole = segmented(model, contract, image, ask).labels;
  auto const of_whole = windows;
  ask.within = regions_of_interest(model, contract, image, {});
  EXPECT_EQ(ask.within.size(), 2U);
  std::int64_t seen = 0;
  float outside = 0;
  ask.probabilities = [&](ProbabilityBlock const& block) {
    seen += block.box.voxels();
    if (roi_holds(block.box, {120, 10, 10})) outside = block.values.front();
  };
  auto const some = segmented(model, contract, image, ask).labels;
  EXPECT_LT(windows, of_whole / 2);
  EXPECT_EQ(seen, image.voxels());
  EXPECT_EQ(outside, 1) << "background is certain where nothing was looked for";
  auto const a = whole.as<std::uint8_t>(), b = some.as<std::uint8_t>();
  EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin(), b.end()));
  EXPECT_GT(std::count(a.begin(), a.end(), 1), 500);
}

}  // namespace
}  // namespace fovea
