#include "base/image/volume.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

namespace fovea {
namespace {

TEST(Volume, BeginsAsZerosAlignedForEveryType) {
  for (auto const type : all_types) {
    SCOPED_TRACE(name_of(type));
    Volume const volume{upright({3, 5, 2}, {}), type, Unit::one, 3};
    EXPECT_EQ(volume.type(), type);
    EXPECT_EQ(volume.voxels(), 30);
    EXPECT_EQ(volume.byte_count(), 90 * bytes_of(type));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(volume.bytes().get()) % 16, 0U);
    with_type(type, [&](auto zero) {
      EXPECT_EQ(TypeOf<decltype(zero)>::value, type);
      EXPECT_EQ(std::ranges::count(volume.as<decltype(zero)>(), zero), 90);
    });
  }
}

TEST(Volume, SharesItsVoxelsWithItsCopies) {
  auto one = image2d(2, 2, Type::u8);
  auto const other = one;
  one.write<std::uint8_t>()[3] = 7;
  EXPECT_EQ(other.as<std::uint8_t>()[3], 7);
}

TEST(Volume, TakesVoxelsThatAreThere) {
  std::shared_ptr<std::byte[]> const voxels{new std::byte[4]{}};
  voxels[3] = std::byte{7};
  Volume const volume{upright({2, 2, 1}, {}), Type::u8, Unit::one, 1, voxels};
  EXPECT_EQ(volume.as<std::uint8_t>().data(), reinterpret_cast<std::uint8_t*>(voxels.get()));
  EXPECT_EQ(volume.as<std::uint8_t>()[3], 7);
  EXPECT_THROW((Volume{upright({2, 0, 1}, {}), Type::u8, Unit::one, 1, voxels}), Error);
}

TEST(Volume, KeepsChannelsOneBehindTheOther) {
  auto picture = image2d(2, 3, Type::u16, 3);
  std::ranges::fill(picture.write_channel<std::uint16_t>(1), std::uint16_t{9});
  EXPECT_EQ(picture.channel<std::uint16_t>(1).size(), 6U);
  EXPECT_EQ(std::ranges::count(picture.as<std::uint16_t>().subspan(6, 6), 9), 6);
  EXPECT_EQ(std::ranges::count(picture.as<std::uint16_t>(), 9), 6);
}

TEST(Volume, RefusesSizesThatNobodyHas) {
  constexpr auto huge = std::numeric_limits<std::int64_t>::max();
  for (auto const& size : {std::array<std::int64_t, 3>{0, 1, 1},
                           {1, -1, 1},
                           {huge, huge, huge},
                           {1 << 20, 1 << 20, 2}}) {
    try {
      Volume const volume{upright(size, {}), Type::u8};
      ADD_FAILURE() << "was taken";
    } catch (Error const& fault) {
      EXPECT_EQ(fault.fault(), Fault::input);
    }
  }
  EXPECT_THROW((Volume{upright({1, 1, 1}, {}), Type::u8, Unit::one, 0}), Error);
}

TEST(Volume, IsNotReadAsAnotherType) {
  auto const picture = image2d(2, 2, Type::u8);
  try {
    picture.as<float>();
    ADD_FAILURE() << "was read";
  } catch (Error const& fault) {
    EXPECT_EQ(fault.fault(), Fault::bug);
    EXPECT_STREQ(fault.what(), "voxels stored as u8 were asked for as f32; convert them first");
  }
}

TEST(Volume, BecomesFloatUnscaled) {
  auto picture = image2d(2, 1, Type::i16);
  picture.write<std::int16_t>()[1] = -1000;
  auto const turned = as_float(picture);
  EXPECT_EQ(turned.as<float>()[1], -1000.0F);
  EXPECT_EQ(as_float(turned).bytes(), turned.bytes());
}

TEST(Volume, IsGreyAlsoWhereThatWasSavedInColour) {
  auto picture = image2d(2, 2, Type::u16, 3);
  EXPECT_TRUE(is_grey(picture));
  EXPECT_TRUE(is_grey(image2d(2, 2, Type::u16)));
  EXPECT_FALSE(is_grey(image2d(2, 2, Type::u16, 2)));
  picture.write_channel<std::uint16_t>(2)[3] = 1;
  EXPECT_FALSE(is_grey(picture));
}

TEST(Phantom, IsABallOfTissueInAir) {
  auto const volume = phantom();
  auto const at = [&](std::int64_t i, std::int64_t j, std::int64_t k) {
    return volume.as<std::int16_t>()[static_cast<std::size_t>((k * 32 + j) * 32 + i)];
  };
  EXPECT_EQ(at(16, 16, 8), 40);
  EXPECT_EQ(at(0, 0, 0), -1000);
  EXPECT_EQ(volume.unit(), Unit::hounsfield);
  auto const tissue = static_cast<double>(std::ranges::count(volume.as<std::int16_t>(), 40));
  EXPECT_NEAR(tissue / static_cast<double>(volume.voxels()),
              4.0 / 3 * 3.14159265 * 0.353553 / 8, 0.01);
}

}  // namespace
}  // namespace fovea
