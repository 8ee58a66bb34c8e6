#include "base/geometry/warp.hpp"

#include "base/core/json.hpp"
#include "base/geometry/orient.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

namespace fovea {
namespace {

Grid warp_test_grid(Json const& json) {
  Grid grid{.size = json["size"], .origin = {json["origin"]}};
  for (std::size_t axis = 0; axis < 3; ++axis) grid.axes[axis].mm = json["axes"][axis];
  return grid;
}

// Calls put(n, i, j, k) for every voxel.
template <class Put>
void warp_test_each(Grid const& grid, Put const& put) {
  std::size_t n = 0;
  for (std::int64_t k = 0; k < grid.size[2]; ++k) {
    for (std::int64_t j = 0; j < grid.size[1]; ++j) {
      for (std::int64_t i = 0; i < grid.size[0]; ++i)
        put(n++, static_cast<double>(i), static_cast<double>(j), static_cast<double>(k));
    }
  }
}

// The phantoms of made/warp.py.
Volume warp_test_image(Grid const& grid) {
  Volume out{grid, Type::f32};
  auto const voxels = out.write<float>();
  warp_test_each(grid, [&](std::size_t n, double i, double j, double k) {
    voxels[n] = static_cast<float>(100 * std::sin(0.7 * i + 0.3 * j) +
                                   50 * std::cos(0.9 * k - 0.2 * j) +
                                   std::fmod(7 * i + 13 * j + 29 * k, 31));
  });
  return out;
}

Displacement warp_test_field(Grid const& grid, double scale = 1) {
  Volume out{grid, Type::f64, Unit::arbitrary, 3};
  std::array const to{out.write_channel<double>(0), out.write_channel<double>(1),
                      out.write_channel<double>(2)};
  warp_test_each(grid, [&](std::size_t n, double i, double j, double k) {
    to[0][n] = scale * (1.5 * std::sin(0.9 * i + 0.4 * j) + 0.3);
    to[1][n] = scale * 1.2 * std::cos(0.7 * j - 0.5 * k);
    to[2][n] = scale * 0.8 * std::sin(i + j + k);
  });
  return Displacement{out};
}

Affine warp_test_affine() {
  return {{{{{1.02, 0.1, -0.04}}, {{-0.09, 0.97, 0.05}}, {{0.03, -0.06, 1.05}}}}, {3, -2, 5}};
}

double warp_test_apart(Point const& a, Point const& b) {
  return std::hypot(a.mm[0] - b.mm[0], a.mm[1] - b.mm[1], a.mm[2] - b.mm[2]);
}

TEST(Warp, SaysWhatSimpleItkSays) {
  auto const made =
      read_json(std::string{FOVEA_SOURCE_DIR} + "/src/base/geometry/made/warp.json");
  auto const in = warp_test_image(warp_test_grid(made["base"]));
  auto const onto = warp_test_grid(made["onto"]);
  EXPECT_EQ(made["cases"].size(), 12U);
  for (auto const& each : made["cases"]) {
    Warp map;
    std::string name;
    for (std::string const step : each["steps"]) {
      name += step + " ";
      if (step == "affine")
        map.then(Affine{made["matrix"], made["offset"]});
      else
        map.then(warp_test_field(warp_test_grid(made["coarse"])));
    }
    auto const word = each["interpolator"].get<std::string>();
    SCOPED_TRACE(name + word);
    for (std::size_t n = 0; n < each["points"].size(); ++n)
      EXPECT_LT(warp_test_apart(map(Point{each["points"][n]}), Point{each["places"][n]}), 1e-9);
    auto const interpolator = word == "cubic"    ? Interpolator::cubic
                              : word == "linear" ? Interpolator::linear
                                                 : Interpolator::nearest;
    auto const out = warp(in, onto, map, {.interpolator = interpolator, .outside = -77});
    std::vector<double> const expected = each["values"];
    ASSERT_EQ(expected.size(), out.as<float>().size());
    double worst = 0;
    for (std::size_t n = 0; n < expected.size(); ++n)
      worst = std::max(worst, std::abs(expected[n] - static_cast<double>(out.as<float>()[n])));
    EXPECT_LT(worst, 1e-3);  // of a range of about 300
  }
}

TEST(Warp, UndoesAffineMapsExactly) {
  auto const affine = warp_test_affine();
  auto const both = composed(affine, inverse(affine));
  Warp const map{affine};
  Point const point{{-31, 17, 250}};
  EXPECT_LT(warp_test_apart(both(point), point), 1e-12);
  ASSERT_TRUE(map.source_of(map(point)));
  EXPECT_LT(warp_test_apart(*map.source_of(map(point)), point), 1e-12);
  Affine flat;
  flat.matrix[2] = flat.matrix[1];
  EXPECT_THROW(inverse(flat), Error);
  flat.matrix[2] = {0, 0, NAN};
  EXPECT_THROW(inverse(flat), Error);
}

TEST(Warp, KeepsAffineStepsAsOne) {
  auto const affine = warp_test_affine();
  Warp map;
  map.then(affine).then(affine);
  EXPECT_EQ(map.steps().size(), 1U);
  map.then(map);
  EXPECT_EQ(map.steps().size(), 1U);
  Point const point{{1, 2, 3}};
  EXPECT_LT(warp_test_apart(map(point), affine(affine(affine(affine(point))))), 1e-12);
  EXPECT_EQ(affine_of(Warp{}), Affine{});
  auto const field = warp_test_field(upright({5, 5, 5}, {{4, 4, 4}}));
  map.then(field).then(affine);
  EXPECT_EQ(map.steps().size(), 3U);
  EXPECT_THROW(affine_of(map), Error);
}

TEST(Warp, AnswersTheSameInPartsOfLittleMemoryAndOnAnyNumberOfThreads) {
  auto const in = warp_test_image(upright({90, 80, 70}, {{1, 1, 1}}));
  auto onto = upright({60, 60, 60}, {{1.2, 1.1, 1}}, {{2, 3, 4}});
  Warp map{warp_test_affine()};
  for (auto const bends : {false, true}) {
    if (bends) map.then(warp_test_field(upright({8, 8, 8}, {{11, 11, 11}})));
    Resample options{.interpolator = Interpolator::cubic, .threads = 1};
    auto const whole = warp(in, onto, map, options);
    options.threads = 5;
    options.memory = 200'000;
    auto const parts = warp(in, onto, map, options);
    EXPECT_TRUE(std::ranges::equal(whole.as<float>(), parts.as<float>()));
  }
}

TEST(Warp, FindsTheWayBackThroughAField) {
  auto const grid = upright({12, 11, 10}, {{3, 3, 3}}, {{-15, -15, -15}});
  auto const field = warp_test_field(grid, 0.5);
  Warp const map{field};
  auto const inner = upright({10, 10, 10}, {{2, 2, 2}}, {{-9, -9, -9}});
  auto const back = inverse(field, inner);
  EXPECT_EQ(back.open, 0);
  EXPECT_LE(back.residual, 0.001);
  warp_test_each(inner, [&](std::size_t, double i, double j, double k) {
    auto const point = inner.point_of({{i, j, k}});
    EXPECT_LT(warp_test_apart(map(back.field(point)), point), 0.0011);
    auto const source = map.source_of(point);
    ASSERT_TRUE(source);
    EXPECT_LT(warp_test_apart(map(*source), point), 2e-6);
  });
}

TEST(Warp, SaysWhereAFieldHasNoWayBack) {
  // All moves by 5 mm; beyond the field's end nothing does, so nothing comes to its beginning.
  auto const grid = upright({20, 6, 6}, {{1, 1, 1}});
  Volume mm{grid, Type::f32, Unit::arbitrary, 3};
  std::ranges::fill(mm.write_channel<float>(0), 5.0F);
  Displacement const field{mm};
  EXPECT_THROW(inverse(field, grid), Error);
  auto const partly = inverse(field, grid, {.partly = true});
  EXPECT_EQ(partly.open, 5 * 36);
  EXPECT_LT(partly.worst.mm[0], 5);
  EXPECT_EQ(partly.field.mm().as<double>()[10], -5);
  EXPECT_EQ(partly.field.mm().as<double>()[2], 0);
  EXPECT_FALSE(Warp{field}.source_of({{2, 3, 3}}));
}

TEST(Warp, DrawsAnyMapAsOneField) {
  auto const grid = upright({9, 8, 7}, {{3, 3, 3}}, {{-10, -10, -10}});
  Warp map{warp_test_affine()};
  map.then(warp_test_field(grid));
  auto const field = field_of(map, grid);
  warp_test_each(grid, [&](std::size_t, double i, double j, double k) {
    auto const point = grid.point_of({{i, j, k}});
    EXPECT_LT(warp_test_apart(field(point), map(point)), 1e-9);
  });
}

TEST(Warp, MovesLabelMapsWithoutMakingLabels) {
  LabelMap labels{.voxels = Volume{upright({12, 12, 12}, {}), Type::u8, Unit::arbitrary, 2},
                  .segments = {{.layer = 0, .value = 7, .name = "ball"},
                               {.layer = 1, .value = 200, .name = "box"}}};
  std::ranges::fill(labels.voxels.write_channel<std::uint8_t>(0).first(800), std::uint8_t{7});
  std::ranges::fill(labels.voxels.write_channel<std::uint8_t>(1).last(300), std::uint8_t{200});
  auto near = warp_test_affine();
  near.offset = {};
  for (auto const one : {Interpolator::nearest, Interpolator::label_linear}) {
    auto const out = warp(labels, labels.voxels.grid(), near, one);
    EXPECT_EQ(out.segments[1].name, "box");
    for (auto const label : out.voxels.channel<std::uint8_t>(0))
      EXPECT_TRUE(label == 0 || label == 7);
    EXPECT_GT(std::ranges::count(out.voxels.channel<std::uint8_t>(0), 7), 300);
    EXPECT_GT(std::ranges::count(out.voxels.channel<std::uint8_t>(1), 200), 50);
  }
  EXPECT_THROW(warp(labels, labels.voxels.grid(), Warp{}, Interpolator::cubic), Error);
}

TEST(Warp, RefusesFieldsThatAreNone) {
  auto const grid = upright({4, 4, 4}, {});
  EXPECT_THROW((Displacement{Volume{grid, Type::f32}}), Error);
  EXPECT_THROW((Displacement{Volume{grid, Type::i16, Unit::arbitrary, 3}}), Error);
  Volume holed{grid, Type::f32, Unit::arbitrary, 3};
  holed.write<float>()[70] = NAN;
  EXPECT_THROW((Displacement{holed}), Error);
  auto const field = warp_test_field(grid);
  EXPECT_THROW(warp(phantom(grid), grid, field, {.smooth = true}), Error);
  EXPECT_THROW(warp(phantom(grid), grid, field, {.radius = 0}), Error);
  EXPECT_THROW(inverse(field, grid, {.tolerance = 0}), Error);
}

}  // namespace
}  // namespace fovea
