// What every transform promises. A new row in catalogue.cpp is tested here for free.
#include "learn/transform/transform.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <vector>

namespace fovea {
namespace {

Volume catalogue_test_picture(std::int64_t width,
                              std::int64_t height,
                              Type type,
                              std::int64_t channels) {
  auto image = image2d(width, height, type, channels);
  with_type(type, [&](auto zero) {
    using T = decltype(zero);
    Rng rng{5};
    for (auto& value : image.write<T>())
      value = std::is_floating_point_v<T> ? static_cast<T>(rng.uniform())
                                          : static_cast<T>(rng.below(200));
  });
  return image;
}

std::vector<std::byte> catalogue_test_bytes(Volume const& image) {
  return {image.bytes().get(), image.bytes().get() + image.byte_count()};
}

struct CatalogueTestInput {
  std::int64_t width, height;
  Type type;
  std::int64_t channels;
};
constexpr CatalogueTestInput catalogue_test_inputs[] = {
    {31, 17, Type::f32, 1}, {31, 17, Type::u8, 3}, {16, 33, Type::u16, 1},
    {5, 4, Type::i16, 1},   {1, 1, Type::f32, 1},  {1, 7, Type::u8, 1},
    {7, 1, Type::f32, 3},   {3, 2, Type::f64, 1},  {300, 2, Type::u8, 1},
    {64, 64, Type::f32, 3},
};

}  // namespace

TEST(EveryTransform, LeavesItsInputAloneAndRepeatsItselfForTheSameKey) {
  for (auto const& row : transforms()) {
    for (auto const& input : catalogue_test_inputs) {
      SCOPED_TRACE(testing::Message()
                   << row.name << " of " << input.width << " x " << input.height << " x "
                   << input.channels << " " << name_of(input.type));
      auto const image =
          catalogue_test_picture(input.width, input.height, input.type, input.channels);
      auto const before = catalogue_test_bytes(image);
      auto const transform = row.with_defaults();
      Rng first{{1, 2, 3}};
      Rng second{{1, 2, 3}};
      auto const once = transform(image, first);
      auto const again = transform(image, second);
      EXPECT_EQ(catalogue_test_bytes(image), before);
      EXPECT_NE(once.bytes(), image.bytes()) << "the result shares the input's voxels";
      EXPECT_EQ(once.type(), Type::f32);
      EXPECT_EQ(catalogue_test_bytes(once), catalogue_test_bytes(again));
      EXPECT_EQ(first.state(), second.state());
      EXPECT_TRUE(
          std::ranges::all_of(once.as<float>(), [](float v) { return std::isfinite(v); }));
      if (row.keeps_size) {
        EXPECT_EQ(once.grid().size, image.grid().size);
        EXPECT_EQ(once.channels(), image.channels());
      }
    }
  }
}

TEST(EveryTransform, SaysTrulyWhetherItIsRandom) {
  auto const image = catalogue_test_picture(32, 32, Type::f32, 1);
  for (auto const& row : transforms()) {
    SCOPED_TRACE(row.name);
    std::set<std::vector<std::byte>> results;
    for (std::uint64_t key = 0; key < 16; ++key) {
      Rng rng{key};
      results.insert(catalogue_test_bytes(row.with_defaults()(image, rng)));
    }
    EXPECT_EQ(results.size() > 1, row.random);
  }
}

TEST(EveryTransform, TakesNotANumberWithoutHarm) {
  auto image = catalogue_test_picture(19, 23, Type::f32, 1);
  image.write<float>()[40] = std::numeric_limits<float>::quiet_NaN();
  image.write<float>()[90] = std::numeric_limits<float>::infinity();
  for (auto const& row : transforms()) {
    SCOPED_TRACE(row.name);
    Rng rng{7};
    EXPECT_GT(row.with_defaults()(image, rng).voxels(), 0);
  }
}

TEST(EveryTransform, RefusesAVolumeBecauseItIsMadeForPictures) {
  Volume const volume{upright({8, 8, 3}, {}), Type::f32};
  for (auto const& row : transforms()) {
    SCOPED_TRACE(row.name);
    Rng rng{7};
    try {
      row.with_defaults()(volume, rng);
      ADD_FAILURE() << "took three slices";
    } catch (Error const& error) {
      EXPECT_EQ(error.fault(), Fault::input);
      EXPECT_NE(std::string{error.what()}.find("3 slices"), std::string::npos) << error.what();
    }
  }
}

TEST(EveryTransform, HasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (auto const& row : transforms()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_FALSE(row.does.empty()) << row.name;
  }
}

}  // namespace fovea
