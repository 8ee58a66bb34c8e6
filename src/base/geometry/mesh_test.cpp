#include "base/geometry/mesh.hpp"

#include "base/core/rng.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <set>

namespace fovea {
namespace {

template <class Inside>
Volume mesh_test_filled(Grid const& grid, Inside const& inside) {
  Volume out{grid, Type::u8};
  auto voxel = out.write<std::uint8_t>().begin();
  for (std::int64_t k = 0; k < grid.size[2]; ++k) {
    for (std::int64_t j = 0; j < grid.size[1]; ++j) {
      for (std::int64_t i = 0; i < grid.size[0]; ++i) {
        auto const at = grid.point_of(
            {{static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)}});
        *voxel++ = inside(at.mm) ? 1 : 0;
      }
    }
  }
  return out;
}

Volume mesh_test_ball(Grid const& grid, std::array<double, 3> centre, double radius) {
  return mesh_test_filled(grid, [&](std::array<double, 3> const& at) {
    return std::hypot(at[0] - centre[0], at[1] - centre[1], at[2] - centre[2]) <= radius;
  });
}

double mesh_test_volume(Volume const& mask) {
  auto const spacing = mask.grid().spacing().mm;
  return static_cast<double>(std::ranges::count(mask.as<std::uint8_t>(), 1)) * spacing[0] *
         spacing[1] * spacing[2];
}

// Points without edges between them, plus faces: 2 for each body, less 2 for each hole through.
std::int64_t mesh_test_euler(Mesh const& mesh) {
  return static_cast<std::int64_t>(mesh.points.size()) -
         static_cast<std::int64_t>(3 * mesh.triangles.size() / 2) +
         static_cast<std::int64_t>(mesh.triangles.size());
}

// Each edge once each way, and around each point one ring of triangles.
void mesh_test_expect_closed(Mesh const& mesh) {
  std::set<std::pair<std::uint32_t, std::uint32_t>> edges;
  std::vector<std::map<std::uint32_t, std::uint32_t>> around(mesh.points.size());
  for (auto const& corners : mesh.triangles) {
    for (std::size_t n = 0; n < 3; ++n) {
      auto const a = corners[n], b = corners[(n + 1) % 3], c = corners[(n + 2) % 3];
      ASSERT_NE(a, b);
      ASSERT_TRUE(edges.insert({a, b}).second);
      around[a][b] = c;
    }
  }
  for (auto const& [a, b] : edges) ASSERT_TRUE(edges.contains({b, a}));
  for (auto const& ring : around) {
    ASSERT_FALSE(ring.empty());
    auto at = ring.begin()->first;
    std::size_t steps = 0;
    do {
      ASSERT_TRUE(ring.contains(at));
      at = ring.at(at);
      ++steps;
    } while (at != ring.begin()->first && steps <= ring.size());
    ASSERT_EQ(steps, ring.size());
  }
}

TEST(Mesh, OfRandomMasksIsClosedAndWithoutSeams) {
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng{{seed, 3}};
    Volume mask{upright({1 + rng.below(9), 1 + rng.below(9), 1 + rng.below(9)}, {}), Type::u8};
    auto const share = rng.uniform(0.05, 0.95);
    for (auto& voxel : mask.write<std::uint8_t>()) voxel = rng.chance(share) ? 1 : 0;
    auto mesh = mesh_of(mask);
    mesh_test_expect_closed(mesh);
    auto const voxels = std::ranges::count(mask.as<std::uint8_t>(), 1);
    EXPECT_EQ(voxels > 0, volume_mm3(mesh) > 0);
    EXPECT_LE(volume_mm3(mesh), static_cast<double>(mask.voxels()));
    smooth(mesh, 5);
    mesh_test_expect_closed(mesh);
  }
}

// Each of the 256 ways to mark a cell, and each pair of cells with a common face: all that two
// neighbours could disagree about.
TEST(Mesh, OfEveryPairOfCellsIsClosed) {
  for (unsigned marks = 1; marks < 1U << 12U; ++marks) {
    Volume mask{upright({3, 2, 2}, {}), Type::u8};
    for (unsigned n = 0; n < 12; ++n)
      mask.write<std::uint8_t>()[n] = static_cast<std::uint8_t>(marks >> n & 1U);
    mesh_test_expect_closed(mesh_of(mask));
    if (testing::Test::HasFailure()) FAIL() << marks;
  }
}

TEST(Mesh, HasTheHolesOfItsBody) {
  auto const grid = upright({40, 40, 24}, {});
  EXPECT_EQ(mesh_test_euler(mesh_of(mesh_test_ball(grid, {19, 20, 12}, 9))), 2);
  auto const ring = mesh_test_filled(grid, [](std::array<double, 3> const& at) {
    return std::hypot(std::hypot(at[0] - 19.5, at[1] - 19.5) - 12, at[2] - 12) <= 4;
  });
  EXPECT_EQ(mesh_test_euler(mesh_of(ring)), 0);
  auto const shell = mesh_test_filled(grid, [](std::array<double, 3> const& at) {
    auto const r = std::hypot(at[0] - 19, at[1] - 20, at[2] - 12);
    return r <= 9 && r > 5;
  });
  EXPECT_EQ(mesh_test_euler(mesh_of(shell)), 4);  // of its outer and its inner face
}

struct MeshTestBall {
  std::array<double, 3> spacing;
  double radius;
};

TEST(Mesh, KeepsVolumeAndAreaOfABallWhenSmoothed) {
  for (auto const& [spacing, radius] :
       {MeshTestBall{{1, 1, 1}, 6}, MeshTestBall{{1, 1, 1}, 10}, MeshTestBall{{1, 1, 1}, 20.3},
        MeshTestBall{{0.7, 0.7, 1}, 15}, MeshTestBall{{0.8, 0.8, 2.5}, 30},
        MeshTestBall{{1, 1, 1}, 40}}) {
    SCOPED_TRACE(text(radius, " at ", spacing[2]));
    std::array<std::int64_t, 3> size{};
    for (std::size_t n = 0; n < 3; ++n)
      size[n] = static_cast<std::int64_t>(2 * radius / spacing[n]) + 5;
    auto const grid = upright(size, {spacing}, {{-radius - 1.7, -radius - 1.6, -radius - 1.9}});
    auto const mask = mesh_test_ball(grid, {0, 0, 0}, radius);
    auto mesh = mesh_of(mask);
    smooth(mesh, 20);
    EXPECT_NEAR(volume_mm3(mesh) / mesh_test_volume(mask), 1, 0.01);
    // The steps of thick slices stay: surface_area_mm2 is better there.
    auto const far = spacing[2] > 2 ? 0.03 : 0.02;
    EXPECT_NEAR(area_mm2(mesh) / (4 * std::numbers::pi * radius * radius), 1, far);
    EXPECT_EQ(mesh_test_euler(mesh), 2);
  }
}

TEST(Mesh, EndsWhereTheVolumeEnds) {
  Volume mask{upright({4, 3, 2}, {{2, 3, 5}}), Type::u8};
  std::ranges::fill(mask.write<std::uint8_t>(), std::uint8_t{1});
  auto const mesh = mesh_of(mask);
  mesh_test_expect_closed(mesh);
  std::array<double, 3> low{1e9, 1e9, 1e9}, high{-1e9, -1e9, -1e9};
  for (auto const& point : mesh.points) {
    for (std::size_t n = 0; n < 3; ++n) {
      low[n] = std::min(low[n], point.mm[n]);
      high[n] = std::max(high[n], point.mm[n]);
    }
  }
  EXPECT_EQ(low, (std::array{-1.0, -1.5, -2.5}));
  EXPECT_EQ(high, (std::array{7.0, 7.5, 7.5}));
}

// A mirrored array and a slanted one show the same ball in the patient.
TEST(Mesh, FacesOutwardsOnMirroredAndSlantedGrids) {
  auto straight = upright({31, 31, 31}, {}, {{-15, -15, -15}});
  auto mirrored = straight;
  mirrored.axes[0].mm = {-1, 0, 0};
  mirrored.origin.mm[0] = 15;
  auto slanted = straight;
  slanted.axes[2].mm = {0, 0.4, 1};
  slanted.origin.mm[1] = -21;
  for (auto const& grid : {straight, mirrored, slanted}) {
    auto const mask = mesh_test_ball(grid, {0, 0, 0}, 8);
    auto mesh = mesh_of(mask);
    mesh_test_expect_closed(mesh);
    smooth(mesh, 10);
    EXPECT_NEAR(volume_mm3(mesh), 4.0 / 3 * std::numbers::pi * 512, 0.02 * 2145);
    for (auto const& point : mesh.points)
      EXPECT_NEAR(std::hypot(point.mm[0], point.mm[1], point.mm[2]), 8, 1);
  }
}

TEST(Mesh, IsTheSameForAnyNumberOfThreads) {
  auto const mask = mesh_test_ball(upright({60, 60, 60}, {}), {30, 29, 31}, 25);
  auto one = mesh_of(mask);
  auto other = one;
  smooth(one, 10, 1);
  smooth(other, 10, 3);
  ASSERT_GT(one.points.size(), 10'000U);
  for (std::size_t n = 0; n < one.points.size(); ++n)
    EXPECT_EQ(one.points[n].mm, other.points[n].mm);
}

TEST(Mesh, OfNothingIsEmptyAndWrongWordsAreRefused) {
  auto empty = mesh_of(Volume{upright({5, 4, 3}, {}), Type::u8});
  EXPECT_TRUE(empty.triangles.empty());
  EXPECT_EQ(volume_mm3(empty), 0);
  smooth(empty, 3);
  EXPECT_THROW(smooth(empty, -1), Error);
  EXPECT_THROW(mesh_of(Volume{upright({5, 4, 3}, {}), Type::u8, Unit::one, 2}), Error);
}

}  // namespace
}  // namespace fovea
