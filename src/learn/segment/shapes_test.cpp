#include "learn/segment/shapes.hpp"

#include <gtest/gtest.h>

namespace fovea {
namespace {

SegmentTargets shapes_targets(std::vector<LabelSet> inside) {
  SegmentTargets out;
  for (auto& one : inside) {
    out.names.push_back(text("structure ", out.names.size()));
    out.inside.push_back(std::move(one));
  }
  return out;
}

CaseShapes shapes_case(std::array<double, 3> const& first,
                       std::array<double, 3> const& second) {
  return {StructureShape{.voxels = 1, .middle = first, .thickness = 1},
          StructureShape{.voxels = 1, .middle = second, .thickness = 1}};
}

TEST(SegmentShapes, middlesAreSharesOfTheImageByStructureAndEmptyWhereAbsent) {
  Volume labels{upright({4, 2, 2}, {}), Type::i16};
  auto const values = labels.write<std::int16_t>();
  values[0] = 1;
  values[1] = 1;
  values[3] = 2;
  auto const found = shapes_of(labels, shapes_targets({{1}, {2}, {1, 2}, {3}}));
  ASSERT_EQ(found.size(), 4U);
  EXPECT_DOUBLE_EQ(found[0]->middle[2], 0.25);
  EXPECT_DOUBLE_EQ(found[1]->middle[2], 0.875);
  EXPECT_NEAR(found[2]->middle[2], (0.5 + 1.5 + 3.5) / 3 / 4, 1e-12);
  EXPECT_DOUBLE_EQ(found[0]->middle[0], 0.25);
  EXPECT_EQ(found[2]->voxels, 3);
  EXPECT_FALSE(found[3]);
}

TEST(SegmentShapes, aPlateIsAsThickAsItIs) {
  // 3 voxels of 2 mm along i, across the whole image along j and k; in two halves.
  Volume labels{upright({20, 40, 40}, {2, 1, 1}), Type::i16};
  auto const values = labels.write<std::int16_t>();
  for (std::size_t n = 0; n < values.size(); ++n) {
    auto const i = n % 20;
    if (i >= 5 && i < 8) values[n] = n < values.size() / 2 ? 1 : 2;
  }
  auto const found = shapes_of(labels, shapes_targets({{1, 2}, {2}}));
  EXPECT_NEAR(found[0]->thickness, 6, 1e-9) << "the border between its labels is none";
  EXPECT_LT(found[1]->thickness, 6);
}

TEST(SegmentShapes, aPictureHasNoSurfaceAcrossItsOnlySlice) {
  Volume labels{upright({30, 30, 1}, {1, 1, 999}), Type::i16};
  auto const values = labels.write<std::int16_t>();
  for (std::size_t j = 0; j < 30; ++j)
    for (std::size_t i = 10; i < 14; ++i) values[j * 30 + i] = 1;
  auto const found = shapes_of(labels, shapes_targets({{1}}));
  EXPECT_NEAR(found[0]->thickness, 4, 1e-9);
  EXPECT_NEAR(thickness_of({found, CaseShapes{std::nullopt}, found}), 4, 1e-9);
  EXPECT_EQ(thickness_of({}), 0);
}

TEST(SegmentShapes, aPairThatKeepsItsSidesIsFoundAlongItsAxisOnly) {
  std::vector<CaseShapes> cases;
  for (int i = 0; i < 20; ++i) {
    auto const turn = i % 2 == 0 ? 0.1 : -0.1;
    cases.push_back(shapes_case({0.5, 0.7, 0.5}, {0.5 + turn, 0.3, 0.5}));
  }
  auto const found = sides_of(cases);
  EXPECT_FALSE(found[0]);
  ASSERT_TRUE(found[1]);
  EXPECT_EQ(found[1]->first, 1U);
  EXPECT_EQ(found[1]->second, 0U);
  EXPECT_FALSE(found[2]);
}

TEST(SegmentShapes, fewCasesSmallDistancesOrOneInTenOnTheOtherSideSayNothing) {
  std::vector<CaseShapes> cases(4, shapes_case({0, 0.5, 0.2}, {0, 0.52, 0.8}));
  EXPECT_FALSE(sides_of(cases)[2]);
  cases.resize(9, cases.front());
  EXPECT_TRUE(sides_of(cases)[2]);
  EXPECT_FALSE(sides_of(cases)[1]);
  cases.push_back(shapes_case({0, 0.5, 0.8}, {0, 0.52, 0.2}));
  EXPECT_FALSE(sides_of(cases)[2]);
}

TEST(SegmentShapes, oneStructureHasNoSides) {
  std::vector<CaseShapes> const cases(9, CaseShapes{StructureShape{.voxels = 1}});
  for (auto const& one : sides_of(cases)) EXPECT_FALSE(one);
}

}  // namespace
}  // namespace fovea
