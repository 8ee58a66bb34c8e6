#include "base/geometry/resample.hpp"

#include "base/core/json.hpp"
#include "base/core/rng.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

namespace fovea {
namespace {

constexpr std::pair<std::string_view, Interpolator> resample_test_names[] = {
    {"nearest", Interpolator::nearest}, {"linear", Interpolator::linear},
    {"cubic", Interpolator::cubic},     {"lanczos", Interpolator::lanczos},
    {"hamming", Interpolator::hamming}, {"label_linear", Interpolator::label_linear}};

Grid resample_test_grid(Json const& json) {
  Grid grid{.size = json["size"], .origin = {json["origin"]}};
  for (std::size_t axis = 0; axis < 3; ++axis) grid.axes[axis].mm = json["axes"][axis];
  return grid;
}

// Calls value_of(i, j, k) for every voxel.
template <class T, class ValueOf>
Volume resample_test_filled(Grid const& grid, ValueOf const& value_of) {
  Volume out{grid, TypeOf<T>::value, Unit::hounsfield};
  auto voxel = out.write<T>().begin();
  for (std::int64_t k = 0; k < grid.size[2]; ++k) {
    for (std::int64_t j = 0; j < grid.size[1]; ++j) {
      for (std::int64_t i = 0; i < grid.size[0]; ++i)
        *voxel++ = static_cast<T>(
            value_of(static_cast<double>(i), static_cast<double>(j), static_cast<double>(k)));
    }
  }
  return out;
}

// The phantoms of made/resample.py.
double resample_test_smooth(double i, double j, double k) {
  return 100 * std::sin(0.7 * i + 0.3 * j) + 50 * std::cos(0.9 * k - 0.2 * j) +
         std::fmod(7 * i + 13 * j + 29 * k, 31);
}
double resample_test_label(double i, double j, double k) {
  return (std::sin(0.8 * i) + std::cos(0.7 * j + 0.3 * k) > 0.4 ? 1 : 0) +
         (std::fmod(2 * i + 3 * j + 5 * k, 11) > 6 ? 4 : 0);
}

Volume resample_test_noise(Grid const& grid, std::uint64_t seed = 1) {
  Rng rng{seed};
  return resample_test_filled<float>(grid, [&](auto...) { return rng.normal(0, 100); });
}

Grid resample_test_turned(std::array<std::int64_t, 3> size, double angle) {
  Grid grid{.size = size, .origin = {{-20.5, 31.25, 7}}};
  auto const c = std::cos(angle);
  auto const s = std::sin(angle);
  grid.axes = {{{{0.7 * c, 0.7 * s, 0}}, {{-0.8 * s, 0.8 * c, 0}}, {{0, 0, 2.5}}}};
  return grid;
}

bool resample_test_equal(Volume const& a, Volume const& b) {
  return a.byte_count() == b.byte_count() &&
         std::equal(a.bytes().get(), a.bytes().get() + a.byte_count(), b.bytes().get());
}

double resample_test_apart(Volume const& a, Volume const& b) {
  double most = 0;
  for (std::size_t n = 0; n < a.as<float>().size(); ++n)
    most = std::max(most, static_cast<double>(std::abs(a.as<float>()[n] - b.as<float>()[n])));
  return most;
}

// --- what others say

TEST(Resample, SaysWhatSimpleItkAndScipySay) {
  auto const made =
      read_json(std::string{FOVEA_SOURCE_DIR} + "/src/base/geometry/made/resample.json");
  EXPECT_EQ(made["cases"].size(), 38U);
  for (auto const& each : made["cases"]) {
    auto const name = each["interpolator"].get<std::string>();
    auto const grids = made["grids"][each["grid"].get<std::string>()];
    SCOPED_TRACE(each["grid"].get<std::string>() + " " + name);
    auto const* const row = std::ranges::find(
        resample_test_names, name, &std::pair<std::string_view, Interpolator>::first);
    auto const from = resample_test_grid(grids["from"]);
    auto const votes = row->second == Interpolator::label_linear;
    Resample const options{.interpolator = row->second,
                           .outside = votes ? 77.0 : -77.0,
                           .as_f32 = true,
                           .smooth = each["smooth"],
                           .radius = 5,
                           .unit_sum = false};
    auto const in = votes ? resample_test_filled<std::uint8_t>(from, resample_test_label)
                          : resample_test_filled<float>(from, resample_test_smooth);
    auto const out = resample(in, resample_test_grid(grids["onto"]), options);
    std::vector<double> const expected = each["values"];
    ASSERT_EQ(expected.size(), out.as<float>().size());
    double worst = 0;
    for (std::size_t n = 0; n < expected.size(); ++n)
      worst = std::max(worst, std::abs(expected[n] - static_cast<double>(out.as<float>()[n])));
    EXPECT_LT(worst, votes ? 1e-9 : 1e-3);  // of a range of about 300
  }
}

// --- what must hold

TEST(Resample, LeavesEveryTypeAsItIsOnItsOwnGrid) {
  auto const grid = resample_test_turned({9, 7, 5}, 0.3);
  for (auto const type : all_types) {
    for (auto const& [name, interpolator] : resample_test_names) {
      SCOPED_TRACE(text(name_of(type), " ", name));
      Volume in{grid, type, Unit::one, 2};
      Rng rng{7};
      with_type(type, [&](auto zero) {
        for (auto& voxel : in.write<decltype(zero)>())
          voxel = static_cast<decltype(zero)>(rng.uniform() * 120);
        in.write<decltype(zero)>()[3] = std::numeric_limits<decltype(zero)>::max();
        in.write<decltype(zero)>()[5] = std::numeric_limits<decltype(zero)>::lowest();
      });
      auto const out = resample(in, grid, {.interpolator = interpolator});
      EXPECT_EQ(out.unit(), Unit::one);
      EXPECT_TRUE(resample_test_equal(in, out));
    }
  }
}

TEST(Resample, KeepsIntegersAboveTheExactOnesOfDoubleWhenItOnlyCopies) {
  Volume in{upright({3, 3, 3}, {}), Type::i64};
  std::ranges::fill(in.write<std::int64_t>(), (std::int64_t{1} << 53) + 1);
  auto const out = resample(in, upright({6, 6, 6}, {{0.5, 0.5, 0.5}}), {Interpolator::nearest});
  EXPECT_EQ(out.as<std::int64_t>()[100], (std::int64_t{1} << 53) + 1);
}

TEST(Resample, GoesThereAndBackExactlyWhereAxesAreSwappedAndFlipped) {
  auto const grid = resample_test_turned({6, 5, 4}, 0.2);
  auto const in = resample_test_noise(grid);
  std::array<std::size_t, 3> order{0, 1, 2};
  do {
    for (unsigned flips = 0; flips < 8; ++flips) {
      auto other = grid;
      Index corner;
      for (std::size_t axis = 0; axis < 3; ++axis) {
        auto const from = order[axis];
        other.size[axis] = grid.size[from];
        other.axes[axis] = grid.axes[from];
        if ((flips >> axis & 1U) == 0) continue;
        corner.ijk[from] = static_cast<double>(grid.size[from] - 1);
        for (auto& mm : other.axes[axis].mm) mm = -mm;
      }
      other.origin = grid.point_of(corner);
      for (auto const& [name, interpolator] : resample_test_names) {
        SCOPED_TRACE(text(name, " ", order[0], order[1], order[2], " ", flips));
        auto const there = resample(in, other, {.interpolator = interpolator});
        EXPECT_TRUE(
            resample_test_equal(resample(there, grid, {.interpolator = interpolator}), in));
      }
    }
  } while (std::ranges::next_permutation(order).found);
}

// A polynomial of the place in the patient, and how far from it the result is well inside.
template <class Value>
double resample_test_misses(Grid const& from,
                            Grid const& onto,
                            Resample const& options,
                            Value const& value) {
  auto const shown = [&](Grid const& grid) {
    return resample_test_filled<double>(grid, [&](double i, double j, double k) {
      return value(grid.point_of({{i, j, k}}).mm);
    });
  };
  constexpr auto outside = 1e6;
  auto given = options;
  given.outside = outside;
  Volume const out = resample(shown(from), onto, given);
  Volume const wanted = shown(onto);
  double most = 0;
  for (std::size_t n = 0; n < out.as<double>().size(); ++n) {
    if (out.as<double>()[n] != outside)
      most = std::max(most, std::abs(out.as<double>()[n] - wanted.as<double>()[n]));
  }
  return most;
}

TEST(Resample, ReproducesPolynomialsOfItsOrder) {
  auto const wide = upright({40, 41, 42}, {{1, 1.1, 0.9}}, {{-20, -22, -19}});
  auto sheared = wide;
  sheared.axes[2].mm = {0, 0.3, 0.9};
  auto turned = resample_test_turned({9, 8, 5}, 0.4);
  turned.origin = {{-2, -3, -4}};
  auto const line = [](auto const& mm) {
    return 3 * mm[0] - 2 * mm[1] + mm[2] + 0.5 * mm[0] * mm[1];
  };
  auto const parabola = [](auto const& mm) {
    return mm[0] * mm[0] - mm[1] * mm[2] + 2 * mm[2] * mm[2];
  };
  auto const straight = [](auto const& mm) { return 3 * mm[0] - 2 * mm[1] + mm[2]; };
  for (auto const& from : {wide, sheared}) {
    for (auto const& onto : {upright({9, 8, 7}, {{0.7, 0.6, 1.3}}, {{-3, -3, -3}}), turned}) {
      EXPECT_LT(resample_test_misses(from, onto, {Interpolator::linear}, straight), 1e-9);
      EXPECT_LT(resample_test_misses(from, onto, {Interpolator::cubic}, line), 1e-5);
      EXPECT_LT(resample_test_misses(from, onto, {Interpolator::cubic}, parabola), 1e-5);
    }
  }
}

TEST(Resample, SaysTheSameOfParallelAndOfNearlyParallelGrids) {
  auto const in = resample_test_noise(resample_test_turned({17, 15, 12}, 0.3));
  auto onto = resample_test_turned({14, 13, 11}, 0.3);
  for (auto& axis : onto.axes) {
    for (auto& mm : axis.mm) mm *= 1.07;
  }
  auto leaning = onto;
  leaning.axes[1].mm[2] += 1e-4;  // now every voxel is sought by itself
  for (auto const& [name, interpolator] : resample_test_names) {
    if (interpolator == Interpolator::nearest || interpolator == Interpolator::label_linear)
      continue;
    SCOPED_TRACE(name);
    for (auto const smooth : {false, true}) {
      Resample const options{.interpolator = interpolator, .smooth = smooth};
      EXPECT_LT(
          resample_test_apart(resample(in, onto, options), resample(in, leaning, options)),
          0.5);
    }
  }
}

TEST(Resample, KeepsAMarkersPlaceInThePatient) {
  auto const grid = resample_test_turned({24, 22, 15}, 0.5);
  Index const marker{{11.3, 9.6, 7.2}};
  auto const in = resample_test_filled<float>(grid, [&](double i, double j, double k) {
    auto const square = [](double v) { return v * v; };
    return 1000 * std::exp(-(square(i - marker.ijk[0]) + square(j - marker.ijk[1]) +
                             square(k - marker.ijk[2])) /
                           4);
  });
  for (auto const& onto : {upright({60, 60, 40}, {{0.5, 0.5, 1}}, {{-30, 25, 5}}),
                           resample_test_turned({40, 40, 30}, 0.5)}) {
    for (auto const interpolator : {Interpolator::linear, Interpolator::cubic}) {
      auto const out = resample(in, onto, {.interpolator = interpolator});
      Point centre;
      double sum = 0;
      auto const* voxel = out.as<float>().data();
      for (std::int64_t n = 0; n < out.voxels(); ++n) {
        auto const at = onto.point_of({{static_cast<double>(n % out.width()),
                                        static_cast<double>(n / out.width() % out.height()),
                                        static_cast<double>(n / out.width() / out.height())}});
        for (std::size_t axis = 0; axis < 3; ++axis)
          centre.mm[axis] += static_cast<double>(voxel[n]) * at.mm[axis];
        sum += static_cast<double>(voxel[n]);
      }
      for (std::size_t axis = 0; axis < 3; ++axis)
        EXPECT_NEAR(centre.mm[axis] / sum, grid.point_of(marker).mm[axis], 0.02);
    }
  }
}

TEST(Resample, GivesTheSameBitsOnAnyNumberOfThreads) {
  auto const in = resample_test_noise(upright({50, 70, 40}, {}));
  for (auto const& onto : {upright({60, 75, 44}, {{0.8, 0.9, 0.85}}, {{0.3, 0.3, 0.3}}),
                           resample_test_turned({20, 20, 10}, 0.4)}) {
    for (auto const& [name, interpolator] : resample_test_names) {
      SCOPED_TRACE(name);
      Resample options{.interpolator = interpolator, .threads = 1};
      auto const one = resample(in, onto, options);
      options.threads = 7;
      EXPECT_TRUE(resample_test_equal(one, resample(in, onto, options)));
    }
  }
}

TEST(Resample, TreatsChannelsAndSlicesAlone) {
  auto const grid = upright({12, 10, 1}, {{0.5, 0.5, 3}});
  auto const one = resample_test_noise(grid, 1);
  auto const two = resample_test_noise(grid, 2);
  Volume both{grid, Type::f32, Unit::one, 2};
  std::ranges::copy(one.as<float>(), both.write_channel<float>(0).begin());
  std::ranges::copy(two.as<float>(), both.write_channel<float>(1).begin());
  auto turned = upright({9, 9, 1}, {{0.6, 0.6, 3}}, {{0.2, 0.1, 0}});
  for (auto const angle : {0.0, 0.2}) {
    turned.axes[0].mm = {0.6 * std::cos(angle), 0.6 * std::sin(angle), 0};
    turned.axes[1].mm = {-0.6 * std::sin(angle), 0.6 * std::cos(angle), 0};
    for (auto const& [name, interpolator] : resample_test_names) {
      SCOPED_TRACE(text(name, " ", angle));
      auto const out = resample(both, turned, {.interpolator = interpolator});
      EXPECT_TRUE(std::ranges::equal(
          out.channel<float>(0),
          resample(one, turned, {.interpolator = interpolator}).as<float>()));
      EXPECT_TRUE(std::ranges::equal(
          out.channel<float>(1),
          resample(two, turned, {.interpolator = interpolator}).as<float>()));
    }
  }
}

TEST(Resample, EndsHalfAVoxelBeyondTheOutermostCentres) {
  auto in = image2d(3, 1, Type::i16);
  std::ranges::copy(std::array{10, 20, 40}, in.write<std::int16_t>().begin());
  for (auto const lean : {0.0, 0.2}) {
    auto onto = upright({9, 1, 1}, {{0.5, 1, 1}}, {{-1, 0, 0}});
    onto.axes[1].mm = {lean, 1, 0};  // of one row: asks the other engine for the same
    auto const out = resample(in, onto, {.outside = -1e9});
    EXPECT_EQ((std::vector<int>(out.as<std::int16_t>().begin(), out.as<std::int16_t>().end())),
              (std::vector<int>{-32768, 10, 10, 15, 20, 30, 40, -32768, -32768}));
  }
}

TEST(Resample, RoundsHalvesAwayFromZeroAndStaysInRange) {
  auto in = image2d(4, 1, Type::i8);
  std::ranges::copy(std::array{-4, -3, 127, -128}, in.write<std::int8_t>().begin());
  auto const out = resample(in, upright({4, 1, 1}, {}, {{0.5, 0, 0}}), {.outside = 500});
  EXPECT_EQ(out.as<std::int8_t>()[0], -4);  // -3.5
  EXPECT_EQ(out.as<std::int8_t>()[2], -1);  // -0.5
  EXPECT_EQ(out.as<std::int8_t>()[3], 127);
  auto const over = resample(in, upright({30, 1, 1}, {{0.1, 1, 1}}), {Interpolator::cubic});
  EXPECT_EQ(std::ranges::max(over.as<std::int8_t>()), 127);
  auto const wide = resample(in, upright({30, 1, 1}, {{0.1, 1, 1}}),
                             {.interpolator = Interpolator::cubic, .as_f32 = true});
  EXPECT_GT(std::ranges::max(wide.as<float>()), 127);
}

TEST(Resample, KeepsFlatRegionsFlat) {
  auto const in =
      resample_test_filled<float>(upright({20, 20, 20}, {}), [](auto...) { return -1000; });
  for (auto const& [name, interpolator] : resample_test_names) {
    SCOPED_TRACE(name);
    for (auto const lean : {0.0, 0.1}) {
      auto onto = upright({9, 9, 9}, {{1.7, 1.7, 1.7}}, {{0.3, 0.3, 0.3}});
      onto.axes[1].mm[0] = lean;
      auto const out =
          resample(in, onto, {.interpolator = interpolator, .outside = -1000, .smooth = true});
      for (auto const value : out.as<float>()) EXPECT_NEAR(value, -1000, 1e-3);
    }
  }
}

TEST(Resample, SmoothsWhatANewVoxelCannotShow) {
  // A chequerboard is grey on a grid of 4 times the spacing.
  auto const in = resample_test_filled<float>(
      upright({64, 64, 64}, {}),
      [](double i, double j, double k) { return std::fmod(i + j + k, 2) * 100; });
  auto const onto = upright({14, 14, 14}, {{4, 4, 4}}, {{4, 4, 4}});
  auto const sharp = resample(in, onto);
  auto const soft = resample(in, onto, {.smooth = true});
  EXPECT_EQ(std::ranges::max(sharp.as<float>()), 0);
  EXPECT_NEAR(std::ranges::min(soft.as<float>()), 50, 0.5);
  EXPECT_NEAR(std::ranges::max(soft.as<float>()), 50, 0.5);
}

TEST(Resample, VotesForLabelsWithoutMakingNewOnes) {
  auto const grid = upright({12, 12, 12}, {});
  auto const in = resample_test_filled<std::int32_t>(grid, [](double i, double j, double k) {
    return i * i + j * j + k * k < 60 ? 7 : i > 8 ? 70000 : 0;
  });
  for (auto const interpolator : {Interpolator::nearest, Interpolator::label_linear}) {
    auto const out = resample(in, upright({30, 30, 30}, {{0.37, 0.37, 0.37}}),
                              {.interpolator = interpolator});
    for (auto const label : out.as<std::int32_t>())
      EXPECT_TRUE(label == 0 || label == 7 || label == 70000);
  }
}

template <class Use>
void resample_test_refused(Fault fault, Use const& use) {
  try {
    use();
    ADD_FAILURE() << "was taken";
  } catch (Error const& error) {
    EXPECT_EQ(error.fault(), fault) << error.what();
  }
}

TEST(Resample, RefusesGridsThatAreNone) {
  auto const in = phantom(upright({4, 4, 4}, {}));
  auto const refused = [&](Grid const& onto) {
    resample_test_refused(Fault::input, [&] { resample(in, onto); });
  };
  refused(upright({0, 4, 4}, {}));
  refused(upright({4, -1, 4}, {}));
  refused(upright({std::int64_t{1} << 30, std::int64_t{1} << 30, 1}, {}));
  refused(upright({4, 4, 4}, {{1, 0, 1}}));
  refused(upright({4, 4, 4}, {{1, NAN, 1}}));
  refused(upright({4, 4, 4}, {}, {{INFINITY, 0, 0}}));
  auto flat = upright({4, 4, 4}, {});
  flat.axes[2] = flat.axes[1];
  refused(flat);
}

TEST(Resample, RefusesOptionsThatMeanNothing) {
  auto const in = phantom(upright({4, 4, 4}, {}));
  for (auto const& options : {Resample{.outside = NAN}, Resample{.radius = 0},
                              Resample{.radius = 9}, Resample{.threads = -1}})
    resample_test_refused(Fault::usage, [&] { resample(in, in.grid(), options); });
}

TEST(Resample, GivesOnlyTheOutsideFarAway) {
  auto const in = phantom(upright({4, 4, 4}, {}));
  for (auto const& [name, interpolator] : resample_test_names) {
    SCOPED_TRACE(name);
    for (auto const far : {1e3, 1e300}) {
      auto const out = resample(in, upright({5, 5, 5}, {}, {{far, 0, 0}}),
                                {.interpolator = interpolator, .outside = 3});
      EXPECT_EQ(std::ranges::count(out.as<std::int16_t>(), 3), 125);
    }
  }
}

}  // namespace
}  // namespace fovea
