#include "base/geometry/resize.hpp"

#include "base/core/error.hpp"
#include "base/core/json.hpp"
#include "base/core/rng.hpp"
#include "base/geometry/grids.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

// The phantoms of made/resize.py.
Volume resize_test_values(std::array<std::int64_t, 3> size) {
  Volume out{upright(size, {{0.7, 0.9, 2.5}}), Type::i16};
  auto at = out.write<std::int16_t>().begin();
  for (std::int64_t k = 0; k < size[2]; ++k) {
    for (std::int64_t j = 0; j < size[1]; ++j) {
      for (std::int64_t i = 0; i < size[0]; ++i)
        *at++ =
            static_cast<std::int16_t>((37 * i + 53 * j * j + 29 * k + 11 * i * k) % 101 - 20);
    }
  }
  return out;
}

Volume resize_test_labels(std::array<std::int64_t, 3> size) {
  Volume out{upright(size, {}), Type::i8};
  auto at = out.write<std::int8_t>().begin();
  for (std::int64_t k = 0; k < size[2]; ++k) {
    for (std::int64_t j = 0; j < size[1]; ++j) {
      for (std::int64_t i = 0; i < size[0]; ++i)
        *at++ = static_cast<std::int8_t>((i / 2 + j / 3 * k / 2 + (i * j + k) % 5 / 4) % 4 - 1);
    }
  }
  return out;
}

Json resize_test_cases() {
  return read_json(FOVEA_SOURCE_DIR "/src/base/geometry/made/resize.json");
}

TEST(ResizeWith, IsWhatScipyZooms) {
  int seen = 0;
  for (auto const& made : resize_test_cases()) {
    if (!made.contains("values")) continue;
    int const order = made["order"];
    SCOPED_TRACE(text(made["size"].dump(), " onto ", made["onto"].dump(), " order ", order));
    auto const out =
        resize(resize_test_values(made["size"]), made["onto"], {{order, order, order}, 2});
    auto const got = out.as<float>();
    ASSERT_EQ(got.size(), made["values"].size());
    for (std::size_t n = 0; n < got.size(); ++n)
      EXPECT_NEAR(got[n], made["values"][n].get<double>(), 2e-4) << n;
    ++seen;
  }
  EXPECT_EQ(seen, 15);
}

TEST(ResizeWith, TakesLabelsAsBatchgeneratorsDoesTiesIncluded) {
  int seen = 0;
  for (auto const& made : resize_test_cases()) {
    if (!made.contains("labels")) continue;
    int const order = made["order"];
    SCOPED_TRACE(text(made["size"].dump(), " onto ", made["onto"].dump(), " order ", order));
    auto const out = resize_labels(resize_test_labels(made["size"]), made["onto"],
                                   {{order, order, order}, 2});
    auto const got = out.as<std::int8_t>();
    ASSERT_EQ(got.size(), made["labels"].size());
    for (std::size_t n = 0; n < got.size(); ++n)
      EXPECT_EQ(got[n], made["labels"][n].get<int>()) << n;
    ++seen;
  }
  EXPECT_EQ(seen, 10);
}

TEST(ResizeWith, KeepsTheBoxAndWhatItsAxesLeaveAlone) {
  auto const in = resize_test_values({9, 7, 6});
  auto const out = resize(in, {5, 7, 6}, {{3, 3, 0}, 1});
  EXPECT_NEAR(out.grid().spacing().mm[0], 0.7 * 9 / 5, 1e-12);
  EXPECT_NEAR(out.grid().origin.mm[0], (0.7 * 9 / 5 - 0.7) / 2, 1e-12);
  auto const same = resize(in, {9, 7, 6}, {{3, 1, 0}, 1});
  EXPECT_TRUE(std::ranges::equal(same.as<float>(), in.as<std::int16_t>()));
}

TEST(ResizeWith, GivesTheSameBitsOnAnyNumberOfThreads) {
  Rng rng{3};
  Volume in{upright({40, 50, 30}, {}), Type::f32, Unit::arbitrary, 2};
  for (auto& voxel : in.write<float>()) voxel = static_cast<float>(rng.normal());
  auto const one = resize(in, {33, 61, 47}, {{3, 3, 3}, 1});
  auto const three = resize(in, {33, 61, 47}, {{3, 3, 3}, 3});
  EXPECT_TRUE(std::ranges::equal(one.as<float>(), three.as<float>()));
}

TEST(ResizeWith, RefusesOrdersAndInputsThatItDoesNotKnow) {
  auto const in = resize_test_values({4, 4, 4});
  EXPECT_THROW(resize(in, {5, 5, 5}, {{2, 1, 1}, 1}), Error);
  EXPECT_THROW(resize(in, {5, 0, 5}, {{1, 1, 1}, 1}), Error);
  EXPECT_THROW(resize_labels(in, {5, 5, 5}, {{3, 1, 1}, 1}), Error);
  EXPECT_THROW(resize_labels(resize(in, {5, 5, 5}, {}), {4, 4, 4}, {}), Error);
}

}  // namespace
}  // namespace fovea
