#include "base/geometry/grids.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace fovea {
namespace {

Grid grids_test_turned() {
  Grid grid{.size = {100, 90, 30}, .origin = {{-20.5, 31.25, 7}}};
  grid.axes = {{{{0.42, 0.56, 0}}, {{-0.64, 0.48, 0}}, {{0, 0, 2.5}}}};  // 0.7, 0.8, 2.5 mm
  return grid;
}

void grids_test_expect_point(Point got, Point wanted) {
  for (std::size_t n = 0; n < 3; ++n) EXPECT_NEAR(got.mm[n], wanted.mm[n], 1e-9);
}

Index grids_test_end(Grid const& grid, double beyond) {
  Index end;
  for (std::size_t n = 0; n < 3; ++n)
    end.ijk[n] = static_cast<double>(grid.size[n] - 1) + beyond;
  return end;
}

TEST(IndexOf, UndoesPointOf) {
  auto grid = grids_test_turned();
  grid.axes[2].mm = {0.1, -0.9, 2.4};
  auto const index = index_of(grid, grid.point_of({{3.25, -1.5, 17}}));
  EXPECT_NEAR(index.ijk[0], 3.25, 1e-12);
  EXPECT_NEAR(index.ijk[1], -1.5, 1e-12);
  EXPECT_NEAR(index.ijk[2], 17, 1e-12);
}

TEST(IndexMap, LeadsFromOneArrayToTheOther) {
  auto const from = grids_test_turned();
  auto const to = upright({9, 9, 9}, {{2, 3, 4}}, {{1, 2, 3}});
  Index const at{{5, 6, 7}};
  grids_test_expect_point(to.point_of(index_map(from, to)(at)), from.point_of(at));
}

TEST(Respaced, KeepsTheBoxAndTakesNnUNetsSize) {
  auto const grid = grids_test_turned();
  auto const out = respaced(grid, {{1, 1, 2}});
  EXPECT_EQ(out.size, (std::array<std::int64_t, 3>{70, 72, 38}));  // 37.5 to even
  grids_test_expect_point(out.point_of({{-0.5, -0.5, -0.5}}),
                          grid.point_of({{-0.5, -0.5, -0.5}}));
  grids_test_expect_point(out.point_of(grids_test_end(out, 0.5)),
                          grid.point_of(grids_test_end(grid, 0.5)));
  EXPECT_NEAR(out.spacing().mm[2], 75.0 / 38, 1e-12);
}

TEST(Respaced, KeepsTheCentreAndTheSpacingAsked) {
  auto const grid = grids_test_turned();
  auto const out = respaced(grid, {{1, 1, 2}}, Keep::centre);
  EXPECT_EQ(out.size, (std::array<std::int64_t, 3>{70, 72, 38}));
  EXPECT_NEAR(out.spacing().mm[2], 2, 1e-12);
  auto const middle = [](Grid const& of) {
    return of.point_of(
        {{static_cast<double>(of.size[0] - 1) / 2, static_cast<double>(of.size[1] - 1) / 2,
          static_cast<double>(of.size[2] - 1) / 2}});
  };
  grids_test_expect_point(middle(out), middle(grid));
}

TEST(Respaced, KeepsTheCornerAndTakesMonaisSize) {
  auto const grid = grids_test_turned();
  auto const out = respaced(grid, {{1, 1, 2}}, Keep::corner);
  EXPECT_EQ(out.size, (std::array<std::int64_t, 3>{70, 72, 37}));  // 70.3, 72.2, 37.25
  grids_test_expect_point(out.origin, grid.origin);
  EXPECT_NEAR(out.spacing().mm[0], 1, 1e-12);
}

TEST(Respaced, NeverLosesAnAxis) {
  for (auto const keep : {Keep::box, Keep::centre, Keep::corner})
    EXPECT_EQ(respaced(upright({4, 4, 1}, {}), {{2, 1, 100}}, keep).size[2], 1);
}

TEST(Respaced, RefusesWhatIsNoSpacing) {
  for (auto const mm : {0.0, -1.0, double{NAN}, double{INFINITY}})
    EXPECT_THROW(respaced(grids_test_turned(), {{1, mm, 1}}), Error);
  EXPECT_THROW(respaced(grids_test_turned(), {{1e-9, 1e-9, 1e-9}}), Error);
  EXPECT_THROW(respaced(upright({0, 4, 4}, {}), {{1, 1, 1}}), Error);
  EXPECT_THROW(respaced(upright({4, 4, 4}, {{0, 1, 1}}), {{1, 1, 1}}), Error);
}

TEST(WithSize, KeepsFacesOrCorners) {
  auto const grid = grids_test_turned();
  auto const faces = with_size(grid, {50, 180, 7});
  grids_test_expect_point(faces.point_of(grids_test_end(faces, 0.5)),
                          grid.point_of(grids_test_end(grid, 0.5)));
  auto const corners = with_size_between_corners(grid, {50, 180, 7});
  grids_test_expect_point(corners.origin, grid.origin);
  grids_test_expect_point(corners.point_of(grids_test_end(corners, 0)),
                          grid.point_of(grids_test_end(grid, 0)));
  auto const one = with_size_between_corners(grid, {50, 180, 1});
  EXPECT_NEAR(index_of(grid, one.origin).ijk[2], 14.5, 1e-9);
  EXPECT_THROW(with_size(grid, {1, 0, 1}), Error);
}

TEST(Straightened, HoldsEveryVoxelOfATiltedGantry) {
  auto grid = upright({64, 48, 20}, {{0.5, 0.5, 5}}, {{1, 2, 3}});
  grid.axes[2].mm = {0, -1.71, 4.7};
  auto const out = straightened(grid);
  EXPECT_FALSE(out.sheared());
  EXPECT_EQ(out.size, (std::array<std::int64_t, 3>{64, 113, 20}));  // 19 * 1.71 / 0.5 = 64.98
  EXPECT_NEAR(out.spacing().mm[2], 4.7, 1e-12);
  auto const map = index_map(grid, out);
  for (auto const& corner :
       {Index{}, Index{{63, 0, 0}}, Index{{0, 47, 19}}, Index{{63, 47, 19}}}) {
    for (std::size_t axis = 0; axis < 3; ++axis) {
      EXPECT_GE(map(corner).ijk[axis], -1e-9);
      EXPECT_LE(map(corner).ijk[axis], static_cast<double>(out.size[axis] - 1) + 1e-9);
    }
  }
  // Slice 0 keeps its lattice.
  EXPECT_NEAR(map({}).ijk[1], std::round(map({}).ijk[1]), 1e-9);
}

TEST(Straightened, LeavesUprightGridsAlone) {
  auto const grid = grids_test_turned();
  auto const out = straightened(grid);
  EXPECT_EQ(out.size, grid.size);
  EXPECT_EQ(out.origin.mm, grid.origin.mm);
}

TEST(WorldBox, GoesAroundTheFaces) {
  auto const box = world_box(upright({4, 3, 2}, {{1, 2, 3}}, {{10, 20, 30}}));
  grids_test_expect_point(box.lower, {{9.5, 19, 28.5}});
  grids_test_expect_point(box.upper, {{13.5, 25, 34.5}});
}

TEST(VoxelsWithin, FindsTheCentresInABox) {
  auto const grid = upright({10, 10, 10}, {{1, 2, 3}}, {{10, 20, 30}});
  EXPECT_EQ(voxels_within(grid, {{{12, 21, 0}}, {{14, 25, 1000}}}),
            (IndexBox{{2, 1, 0}, {3, 2, 10}}));
  EXPECT_EQ(voxels_within(grid, {{{12.1, 21, 0}}, {{12.9, 25, 1000}}}), std::nullopt);
  EXPECT_EQ(voxels_within(grid, {{{-9, 0, 0}}, {{-5, 100, 100}}}), std::nullopt);
}

TEST(BoxOfMarked, GoesAroundWhatIsNotZero) {
  Volume mask{upright({9, 8, 7}, {}), Type::u8, Unit::one, 2};
  EXPECT_EQ(box_of_marked(mask), std::nullopt);
  mask.write_channel<std::uint8_t>(0)[static_cast<std::size_t>((2 * 8 + 3) * 9 + 4)] = 1;
  EXPECT_EQ(box_of_marked(mask), (IndexBox{{4, 3, 2}, {1, 1, 1}}));
  mask.write_channel<std::uint8_t>(1)[static_cast<std::size_t>((5 * 8 + 1) * 9 + 8)] = 1;
  EXPECT_EQ(box_of_marked(mask), (IndexBox{{4, 1, 2}, {5, 3, 4}}));
}

}  // namespace
}  // namespace fovea
