#include "learn/recipe/preprocess.hpp"

#include "base/core/error.hpp"
#include "base/core/rng.hpp"
#include "base/geometry/grids.hpp"
#include "learn/recipe/all_cases.hpp"
#include "learn/recipe/nonzero.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>

namespace fovea {
namespace {

Json const& preprocess_test_cases() {
  static auto const cases =
      read_json(FOVEA_SOURCE_DIR "/src/learn/recipe/made/preprocess.json");
  return cases;
}

Json const& preprocess_test_case(std::string_view name) {
  for (auto const& made : preprocess_test_cases()) {
    if (made["name"] == name) return made;
  }
  throw Error{Fault::bug, "no such case", "name one that there is"};
}

Grid preprocess_test_grid(Json const& made) {
  auto const& shape = made["shape"];
  auto const& mm = made["spacing"];
  return upright({shape[2], shape[1], shape[0]}, {{mm[2], mm[1], mm[0]}}, {{-7, 3, 11.5}});
}

template <class T>
Volume preprocess_test_volume(Json const& values, Grid const& grid, std::int64_t channels = 1) {
  Volume out{grid, TypeOf<T>::value, Unit::arbitrary, channels};
  auto const to = out.write<T>();
  EXPECT_EQ(to.size(), values.size());
  std::transform(values.begin(), values.end(), to.begin(),
                 [](Json const& value) { return value.get<T>(); });
  return out;
}

// By how much of the wanted values' range the worst one is off.
double preprocess_test_off(Volume const& got, Json const& wanted) {
  auto const voxels = got.as<float>();
  if (voxels.size() != wanted.size()) return 1e9;
  double worst = 0, low = 1e300, high = -1e300;
  for (std::size_t n = 0; n < voxels.size(); ++n) {
    double const want = wanted[n];
    low = std::min(low, want);
    high = std::max(high, want);
    worst = std::max(worst, std::abs(voxels[n] - want));
  }
  return worst / std::max(high - low, 1e-3);
}

struct PreprocessTestInput {
  Volume image, labels;
  Recipe recipe;
};
PreprocessTestInput preprocess_test_input(Json const& made) {
  auto const recipe = read_recipe(made["plans"], "plans.json");
  auto const grid = preprocess_test_grid(made);
  auto const channels = static_cast<std::int64_t>(recipe.configs[0].normalisation.size());
  return {preprocess_test_volume<std::int16_t>(made["image"], grid, channels),
          preprocess_test_volume<std::uint8_t>(made["labels"], grid), recipe};
}

template <class T>
std::int64_t preprocess_test_label_differences(Volume const& got, Json const& wanted) {
  auto const voxels = got.as<T>();
  if (voxels.size() != wanted.size()) return -1;
  std::int64_t out = 0;
  for (std::size_t n = 0; n < voxels.size(); ++n) out += voxels[n] != wanted[n].get<int>();
  return out;
}

TEST(Preprocess, IsWhatNnUNetsDefaultPreprocessorDoes) {
  ASSERT_EQ(preprocess_test_cases().size(), 14U);
  for (auto const& made : preprocess_test_cases()) {
    SCOPED_TRACE(made["name"].get<std::string>());
    auto const [image, labels, recipe] = preprocess_test_input(made);
    auto const& config = recipe.configs[0];
    auto const got = prepare(image, &labels, recipe, config, 2);
    EXPECT_EQ(got.placement.first, made["first"].get<Shape3>());
    EXPECT_EQ(got.placement.cropped, made["cropped"].get<Shape3>());
    EXPECT_EQ(got.placement.shape, made["prepared_shape"].get<Shape3>());
    EXPECT_EQ(shape_of(got.image.grid()), got.placement.shape);
    EXPECT_LT(preprocess_test_off(got.image, made["prepared"]), 1e-5);
    auto const narrow = made["label_type"] == "int8";
    ASSERT_EQ(got.labels.type(), narrow ? Type::i8 : Type::i16);
    EXPECT_EQ(narrow ? preprocess_test_label_differences<std::int8_t>(got.labels,
                                                                      made["prepared_labels"])
                     : preprocess_test_label_differences<std::int16_t>(got.labels,
                                                                       made["prepared_labels"]),
              0);
    auto const back =
        resampled(got.image, got.placement.cropped, back_axes(got.placement, config), 2);
    EXPECT_LT(preprocess_test_off(back, made["back"]), 1e-5);
  }
}

TEST(Preprocess, LeadsBackToTheImagesOwnVoxels) {
  auto const& made = preprocess_test_case("transposed, two channels, one of them CT");
  auto [image, labels, recipe] = preprocess_test_input(made);
  auto config = recipe.configs[0];
  config.spacing = {3.5, 1, 0.9};  // nothing to resample
  auto const got = prepare(image, &labels, recipe, config);
  EXPECT_EQ(got.placement.cropped, got.placement.shape);
  auto const back = placed_back(got.labels, got.placement);
  EXPECT_EQ(back.grid().size, image.grid().size);
  auto const box = nonzero_box(image).box;
  auto const was = labels.as<std::uint8_t>();
  auto const now = back.as<std::int8_t>();
  std::int64_t marked = 0;
  for (std::int64_t k = 0, n = 0; k < image.depth(); ++k) {
    for (std::int64_t j = 0; j < image.height(); ++j) {
      for (std::int64_t i = 0; i < image.width(); ++i, ++n) {
        auto const at = static_cast<std::size_t>(n);
        std::array const place{i, j, k};
        bool inside = true;
        for (std::size_t axis = 0; axis < 3; ++axis)
          inside = inside && place[axis] >= box.first[axis] &&
                   place[axis] < box.first[axis] + box.size[axis];
        ASSERT_EQ(std::max<int>(now[at], 0), inside ? was[at] : 0) << i << " " << j << " " << k;
        marked += now[at] > 0;
      }
    }
  }
  EXPECT_GT(marked, 20);
}

TEST(Preprocess, KeepsEachVoxelsPlaceInThePatient) {
  auto const& made = preprocess_test_case("transposed in the middle");
  auto const [image, labels, recipe] = preprocess_test_input(made);
  auto const got = prepare(image, &labels, recipe, recipe.configs[0]);
  // The corner of the crop's box is the same before and after.
  auto const& placed = got.placement;
  std::array<double, 3> corner{};
  for (std::size_t n = 0; n < 3; ++n)
    corner[2 - placed.forward[n]] = static_cast<double>(placed.first[n]) - 0.5;
  auto const before = image.grid().point_of({corner});
  auto const after = got.image.grid().point_of({{-0.5, -0.5, -0.5}});
  for (std::size_t axis = 0; axis < 3; ++axis)
    EXPECT_NEAR(before.mm[axis], after.mm[axis], 1e-9);
}

TEST(Preprocess, MarksWhatIsOutsideWhereThereAreNoLabels) {
  auto const& made = preprocess_test_case("masked");
  auto const [image, labels, recipe] = preprocess_test_input(made);
  auto config = recipe.configs[0];
  config.spacing = {1, 1, 1};
  auto const got = prepare(image, nullptr, recipe, config);
  auto const voxels = got.labels.as<std::int8_t>();
  EXPECT_GT(std::count(voxels.begin(), voxels.end(), -1), 10);
  EXPECT_EQ(std::count(voxels.begin(), voxels.end(), -1) +
                std::count(voxels.begin(), voxels.end(), 0),
            std::ssize(voxels));
}

TEST(Preprocess, TakesATurnedGridsSpacingWithoutItsRounding) {
  Grid grid{.size = {6, 5, 4}, .origin = {}};
  auto const c = std::cos(0.3);
  auto const s = std::sin(0.3);
  grid.axes = {{{{0.9 * c, 0.9 * s, 0}}, {{-0.9 * s, 0.9 * c, 0}}, {{0, 0, 3.5}}}};
  grid.axes[0].mm[0] *= 1 + 1e-7;
  EXPECT_EQ(spacing_of(grid), (Spacing3{3.5, 0.9, 0.9}));
  EXPECT_EQ(spacing_of(upright({6, 5, 4}, {{0.8999999761581421, 1, 2}})),
            (Spacing3{2, 1, 0.8999999761581421}));
}

TEST(Preprocess, RefusesCasesThatDoNotFitThePlan) {
  auto const& made = preprocess_test_case("isotropic");
  auto const [image, labels, recipe] = preprocess_test_input(made);
  auto const& config = recipe.configs[0];
  auto const refused = [&](Volume const& shown, Volume const& marked, std::string_view says) {
    try {
      prepare(shown, &marked, recipe, config);
      ADD_FAILURE() << "took it: " << says;
    } catch (Error const& error) {
      EXPECT_EQ(error.fault(), Fault::input);
      EXPECT_NE(std::string_view{error.what()}.find(says), std::string_view::npos)
          << error.what();
    }
  };
  refused(Volume{image.grid(), Type::u8, Unit::arbitrary, 2}, labels, "1 channels, got 2");
  refused(image, Volume{upright({8, 10, 8}, {}), Type::u8}, "8 x 10 x 9");
  refused(image, Volume{image.grid(), Type::u8, Unit::arbitrary, 2}, "one channel, got 2");
  Volume fractions{image.grid(), Type::f32};
  fractions.write<float>()[3] = 0.5F;
  refused(image, fractions, "got 0.5 at voxel (3, 0, 0)");
  Volume negative{image.grid(), Type::i8};
  negative.write<std::int8_t>()[8] = -1;
  refused(image, negative, "got -1 at voxel (0, 1, 0)");
  Volume infinite{image.grid(), Type::f32};
  infinite.write<float>()[81] = INFINITY;
  refused(infinite, labels, "got inf at voxel (1, 0, 1)");
  auto const& picture = preprocess_test_case("picture");
  auto const coloured = preprocess_test_input(picture);
  Volume bright{coloured.image.grid(), Type::i16, Unit::arbitrary, 3};
  bright.write<std::int16_t>()[0] = 300;
  EXPECT_THROW(prepare(bright, nullptr, coloured.recipe, coloured.recipe.configs[0]), Error);
}

TEST(Preprocess, GivesTheSameBitsOnAnyNumberOfThreads) {
  auto const& made = preprocess_test_case("thick slices");
  auto const [image, labels, recipe] = preprocess_test_input(made);
  auto const one = prepare(image, &labels, recipe, recipe.configs[0], 1);
  auto const four = prepare(image, &labels, recipe, recipe.configs[0], 4);
  EXPECT_TRUE(std::ranges::equal(one.image.as<float>(), four.image.as<float>()));
}

// --- what is not zero

TEST(Nonzero, FillsHolesThatNoWayThroughFacesLeadsOutOf) {
  Volume image{upright({7, 7, 7}, {}), Type::i16};
  auto const at = [&](std::int64_t i, std::int64_t j, std::int64_t k) -> std::int16_t& {
    return image.write<std::int16_t>()[static_cast<std::size_t>((k * 7 + j) * 7 + i)];
  };
  for (std::int64_t k = 1; k < 6; ++k) {
    for (std::int64_t j = 1; j < 6; ++j) {
      for (std::int64_t i = 1; i < 6; ++i) at(i, j, k) = 5;
    }
  }
  at(3, 3, 3) = 0;  // closed
  at(1, 1, 1) = 0;  // a missing corner is outside
  at(2, 2, 2) = 0;  // touches the corner's hole by an edge of an edge: closed
  auto const found = nonzero_box(image);
  EXPECT_EQ(found.box, (IndexBox{{1, 1, 1}, {5, 5, 5}}));
  ASSERT_TRUE(found.mask.has_value());
  auto const mask = found.mask->as<std::uint8_t>();
  EXPECT_EQ(std::count(mask.begin(), mask.end(), 0), 1);
  EXPECT_EQ(mask[0], 0);
  at(1, 1, 1) = 1;
  EXPECT_FALSE(nonzero_box(image).mask.has_value());
}

TEST(Nonzero, JoinsChannelsAndLeavesSingleSlicesUnfilled) {
  Volume picture{upright({4, 3, 1}, {}), Type::u8, Unit::arbitrary, 2};
  for (std::size_t n = 0; n < 12; ++n) picture.write<std::uint8_t>()[n] = n != 5 && n != 6;
  picture.write<std::uint8_t>()[12 + 5] = 1;
  auto const found = nonzero_box(picture);
  ASSERT_TRUE(found.mask.has_value());
  // A slice lies open to both sides, so scipy fills no hole in it.
  auto const mask = found.mask->as<std::uint8_t>();
  EXPECT_EQ(std::count(mask.begin(), mask.end(), 0), 1);
  EXPECT_EQ(mask[6], 0);
}

TEST(Nonzero, TakesAllWhereEverythingIsZero) {
  auto const found = nonzero_box(Volume{upright({3, 4, 5}, {}), Type::f32});
  EXPECT_EQ(found.box, (IndexBox{{0, 0, 0}, {3, 4, 5}}));
  ASSERT_TRUE(found.mask.has_value());
}

// --- all cases

LoadedCase preprocess_test_made(std::int64_t at) {
  Rng rng{{77, static_cast<std::uint64_t>(at)}};
  Volume image{upright({12 + at, 11, 10}, {{1, 1, 2}}), Type::f32};
  Volume labels{image.grid(), Type::u8};
  for (auto& voxel : image.write<float>()) voxel = static_cast<float>(rng.normal(100, 20));
  for (auto& label : labels.write<std::uint8_t>())
    label = static_cast<std::uint8_t>(rng.below(3));
  return {image, labels};
}

TEST(AllCases, GivesTheSameFingerprintOnAnyNumberOfThreads) {
  std::int64_t most = 0;
  AllCases options{.threads = 3};
  options.progress = [&](std::int64_t done, std::int64_t all) {
    most = std::max(most, done);
    EXPECT_EQ(all, 9);
  };
  auto const three = fingerprint_of(9, 1, preprocess_test_made, options);
  auto const one = fingerprint_of(9, 1, preprocess_test_made, {.threads = 1});
  EXPECT_EQ(most, 9);
  EXPECT_EQ(fingerprint_json(one), fingerprint_json(three));
  EXPECT_EQ(one.shapes[4], (Shape3{10, 11, 16}));
  EXPECT_EQ(one.spacings[4], (Spacing3{2, 1, 1}));
  auto const& values = one.intensities[0];
  EXPECT_NEAR(values.mean, 100, 1);
  EXPECT_NEAR(values.deviation, 20, 1);
  EXPECT_NEAR(values.median, 100, 1);
  EXPECT_NEAR(values.lower, 100 - 2.576 * 20, 3);
  EXPECT_NEAR(values.upper, 100 + 2.576 * 20, 3);
}

TEST(AllCases, StopsWhenAsked) {
  Stop stop;
  std::atomic<int> loaded = 0;
  auto const load = [&](std::int64_t at) {
    if (++loaded == 3) stop.ask();
    return preprocess_test_made(at);
  };
  EXPECT_THROW(fingerprint_of(50, 1, load, {.threads = 2, .stop = &stop}), Interrupted);
  EXPECT_LT(loaded, 6);
}

TEST(AllCases, HandsEachCaseOverOnce) {
  auto const made = preprocess_test_input(preprocess_test_case("isotropic"));
  std::mutex lock;
  std::vector<std::int64_t> seen;
  prepare_all(7, preprocess_test_made, made.recipe, made.recipe.configs[0],
              [&](std::int64_t at, PreparedCase&& prepared) {
                EXPECT_EQ(prepared.placement.before[2], 12 + at);
                std::lock_guard const guard{lock};
                seen.push_back(at);
              },
              {.threads = 2});
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(seen, (std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6}));
}

TEST(AllCases, NeedLabelsForAFingerprint) {
  auto const bare = [](std::int64_t at) {
    return LoadedCase{preprocess_test_made(at).image, std::nullopt};
  };
  EXPECT_THROW(fingerprint_of(2, 1, bare, {.threads = 1}), Error);
  auto const empty = [](std::int64_t at) {
    auto const image = preprocess_test_made(at).image;
    return LoadedCase{image, Volume{image.grid(), Type::u8}};
  };
  EXPECT_THROW(fingerprint_of(2, 1, empty, {.threads = 1}), Error);
}

}  // namespace
}  // namespace fovea
