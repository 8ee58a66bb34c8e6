#include "base/geometry/orient.hpp"

#include "base/core/rng.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

Grid orient_test_grid() {
  Grid grid{.size = {5, 4, 3}, .origin = {{-20.5, 31.25, 7}}};
  grid.axes = {{{{0.68, 0.11, 0.05}}, {{-0.1, 0.79, -0.2}}, {{0.1, 0.4, 2.5}}}};  // sheared too
  return grid;
}

Volume orient_test_noise(Type type, Grid const& grid = orient_test_grid()) {
  Volume out{grid, type, Unit::one, 2};
  Rng rng{3};
  for (std::size_t n = 0; n < out.byte_count(); ++n)
    out.bytes()[n] = static_cast<std::byte>(rng.uniform() * 256);
  return out;
}

bool orient_test_equal(Volume const& a, Volume const& b) {
  return a.type() == b.type() && a.byte_count() == b.byte_count() && a.unit() == b.unit() &&
         std::equal(a.bytes().get(), a.bytes().get() + a.byte_count(), b.bytes().get());
}

void orient_test_expect_grid(Grid const& a, Grid const& b) {
  EXPECT_EQ(a.size, b.size);
  for (std::size_t n = 0; n < 3; ++n) {
    EXPECT_NEAR(a.origin.mm[n], b.origin.mm[n], 1e-12);
    EXPECT_EQ(a.axes[n].mm, b.axes[n].mm);
  }
}

// Every voxel of `part` is at its place in `whole`, with its value.
void orient_test_expect_places(Volume const& part, Volume const& whole) {
  auto const map = index_map(part.grid(), whole.grid());
  for (std::int64_t n = 0; n < part.voxels(); ++n) {
    auto const at = map({{static_cast<double>(n % part.width()),
                          static_cast<double>(n / part.width() % part.height()),
                          static_cast<double>(n / part.width() / part.height())}})
                        .ijk;
    std::array<std::int64_t, 3> voxel{};
    for (std::size_t axis = 0; axis < 3; ++axis) {
      voxel[axis] = std::lround(at[axis]);
      ASSERT_NEAR(at[axis], static_cast<double>(voxel[axis]), 1e-9);
    }
    ASSERT_EQ(part.as<std::uint16_t>()[static_cast<std::size_t>(n)],
              whole.as<std::uint16_t>()[static_cast<std::size_t>(
                  (voxel[2] * whole.height() + voxel[1]) * whole.width() + voxel[0])]);
  }
}

std::vector<std::string> orient_test_codes() {
  std::vector<std::string> codes;
  std::array<std::size_t, 3> order{0, 1, 2};
  do {
    for (unsigned flips = 0; flips < 8; ++flips) {
      std::string code;
      for (auto const axis : order)
        code += (flips >> axis & 1U) != 0 ? "RAI"[axis] : "LPS"[axis];
      codes.push_back(code);
    }
  } while (std::ranges::next_permutation(order).found);
  return codes;
}

TEST(AxisCode, NamesWhereAxesRunTo) {
  EXPECT_EQ(axis_code(upright({2, 2, 2}, {})), "LPS");
  EXPECT_EQ(axis_code(orient_test_grid()), "LPS");
  auto sagittal = upright({2, 2, 2}, {});
  sagittal.axes = {{{{0, 1, 0}}, {{0, 0, -1}}, {{1, 0, 0}}}};
  EXPECT_EQ(axis_code(sagittal), "PIL");
}

TEST(AxisCode, NamesEachDirectionOnceAlsoAtHalfARightAngle) {
  auto grid = upright({2, 2, 2}, {});
  auto const half = std::sqrt(0.5);
  grid.axes = {{{{half, half, 0}}, {{-half, half, 0}}, {{0, 0, 1}}}};
  EXPECT_EQ(axis_code(grid), "LPS");
}

TEST(Reorient, TurnsIntoAllCodesAndBackBitForBit) {
  EXPECT_EQ(orient_test_codes().size(), 48U);
  for (auto const& code : orient_test_codes()) {
    SCOPED_TRACE(code);
    for (auto const type : {Type::u8, Type::i16, Type::f32, Type::f64}) {
      auto const in = orient_test_noise(type);
      auto const there = reorient(in, code);
      EXPECT_EQ(axis_code(there.grid()), code);
      auto const back = reorient(there, "LPS");
      EXPECT_TRUE(orient_test_equal(back, in));
      orient_test_expect_grid(back.grid(), in.grid());
    }
    auto const in = orient_test_noise(Type::u16);
    orient_test_expect_places(reorient(in, code), in);
  }
}

TEST(Reorient, HoldsForVolumesOfManyBlocks) {
  auto const in = orient_test_noise(Type::u16, upright({37, 41, 53}, {{1, 2, 3}}));
  for (auto const& code : {"SPL", "PSL", "SLP", "AIR"}) {
    auto const there = reorient(in, code);
    orient_test_expect_places(there, in);
    EXPECT_TRUE(orient_test_equal(reorient(there, "LPS"), in));
  }
}

TEST(Reorient, RefusesCodesThatAreNone) {
  auto const in = orient_test_noise(Type::u8);
  for (auto const& code : {"", "LP", "LPSS", "LPP", "LRS", "lps", "XYZ"}) {
    try {
      reorient(in, code);
      ADD_FAILURE() << code << " was taken";
    } catch (Error const& error) {
      EXPECT_EQ(error.fault(), Fault::usage);
    }
  }
}

TEST(Pad, IsUndoneByCropBitForBit) {
  for (auto const type : all_types) {
    SCOPED_TRACE(name_of(type));
    auto const in = orient_test_noise(type);
    auto const framed = pad(in, {1, 2, 3}, {4, 0, 1}, 7);
    EXPECT_EQ(framed.grid().size, (std::array<std::int64_t, 3>{10, 6, 7}));
    auto const back = crop(framed, {{1, 2, 3}, in.grid().size});
    EXPECT_TRUE(orient_test_equal(back, in));
    orient_test_expect_grid(back.grid(), in.grid());
    with_type(type, [&](auto zero) {
      EXPECT_EQ(framed.as<decltype(zero)>()[0], decltype(zero)(7));
      EXPECT_EQ(framed.as<decltype(zero)>().back(), decltype(zero)(7));
    });
  }
}

TEST(Crop, KeepsPlacesAndValues) {
  auto const in = orient_test_noise(Type::u16);
  auto const part = crop(in, {{1, 2, 0}, {3, 2, 2}});
  orient_test_expect_places(part, in);
  orient_test_expect_places(in, pad(in, {2, 0, 1}, {0, 1, 0}));
}

TEST(Crop, RefusesBoxesBeyondTheGrid) {
  auto const in = orient_test_noise(Type::u8);
  constexpr auto huge = std::numeric_limits<std::int64_t>::max();
  for (auto const& box : {IndexBox{{0, 0, 0}, {6, 1, 1}}, IndexBox{{-1, 0, 0}, {1, 1, 1}},
                          IndexBox{{0, 0, 0}, {0, 1, 1}}, IndexBox{{1, 0, 0}, {huge, 1, 1}},
                          IndexBox{{huge, 0, 0}, {1, 1, 1}}})
    EXPECT_THROW(crop(in, box), Error);
  EXPECT_THROW(pad(in, {-1, 0, 0}, {0, 0, 0}), Error);
  EXPECT_THROW(pad(in, {huge, 0, 0}, {0, 0, 0}), Error);
}

TEST(Orient, FlipsAndTurnsAreUndoneExactlyAndKeepEveryPlace) {
  Volume in{upright({5, 4, 3}, {{0.5, 2, 4}}, {{-8, 16, 32}}), Type::i16, Unit::hounsfield, 2};
  std::int16_t n = 0;
  for (auto& voxel : in.write<std::int16_t>()) voxel = n++;
  auto const same = [&](Volume const& out) {
    EXPECT_EQ(out.grid().size, in.grid().size);
    EXPECT_EQ(out.grid().origin.mm, in.grid().origin.mm);
    EXPECT_TRUE(std::ranges::equal(out.as<std::int16_t>(), in.as<std::int16_t>()));
  };
  auto const kept = [&](Volume const& out) {
    // Every voxel lies where the one of its value lay.
    for (std::int64_t at = 0; at < out.voxels(); ++at) {
      auto const index = [](Volume const& of, std::int64_t v) {
        return Index{{static_cast<double>(v % of.width()),
                      static_cast<double>(v / of.width() % of.height()),
                      static_cast<double>(v / of.width() / of.height())}};
      };
      auto const value = out.as<std::int16_t>()[static_cast<std::size_t>(at)];
      EXPECT_EQ(out.grid().point_of(index(out, at)).mm,
                in.grid().point_of(index(in, value)).mm);
    }
  };
  for (std::size_t axis = 0; axis < 3; ++axis) {
    kept(flip(in, axis));
    same(flip(flip(in, axis), axis));
    EXPECT_EQ(flipped(in.grid(), axis).origin.mm, flip(in, axis).grid().origin.mm);
    for (std::size_t other = 0; other < 3; ++other) {
      if (other == axis) {
        EXPECT_THROW(rotate90(in, axis, other), Error);
        continue;
      }
      for (auto const turns : {-3, -1, 1, 2, 3, 5}) {
        auto const out = rotate90(in, axis, other, turns);
        kept(out);
        same(rotate90(out, axis, other, -turns));
      }
      same(rotate90(in, axis, other, 4));
      auto const twice = rotate90(rotate90(in, axis, other), axis, other);
      EXPECT_TRUE(std::ranges::equal(twice.as<std::int16_t>(),
                                     rotate90(in, axis, other, 2).as<std::int16_t>()));
    }
  }
  EXPECT_THROW(flip(in, 3), Error);
}

}  // namespace
}  // namespace fovea
