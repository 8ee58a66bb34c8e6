#include "learn/tensor/tensor.hpp"

#include <ATen/Parallel.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

namespace fovea {

TEST(Tensor, SharesTheVoxelsOfItsVolumeAndOutlivesIt) {
  at::Tensor tensor;
  {
    auto const volume = phantom();
    tensor = tensor_of(volume);
    EXPECT_EQ(tensor.sizes(), (at::IntArrayRef{1, 16, 32, 32}));
    EXPECT_EQ(tensor.const_data_ptr<std::int16_t>(), volume.as<std::int16_t>().data());
  }
  EXPECT_EQ(tensor[0][8][16][16].item<std::int16_t>(), 40);
  EXPECT_EQ(tensor[0][0][0][0].item<std::int16_t>(), -1000);
}

TEST(Tensor, KeepsTheTypeOfTheVoxelsExceptForLargeUnsignedOnes) {
  for (auto const& [type, scalar] : {std::pair{Type::u8, at::kByte},
                                     {Type::i8, at::kChar},
                                     {Type::u16, at::kFloat},
                                     {Type::i16, at::kShort},
                                     {Type::u32, at::kFloat},
                                     {Type::i32, at::kInt},
                                     {Type::u64, at::kFloat},
                                     {Type::i64, at::kLong},
                                     {Type::f32, at::kFloat},
                                     {Type::f64, at::kDouble}}) {
    SCOPED_TRACE(name_of(type));
    auto const tensor = tensor_of(image2d(3, 2, type, 4));
    EXPECT_EQ(tensor.scalar_type(), scalar);
    EXPECT_EQ(tensor.sizes(), (at::IntArrayRef{4, 1, 2, 3}));
  }
}

TEST(Tensor, ReadsLargeUnsignedVoxelsAsTheyAre) {
  auto volume = image2d(1, 1, Type::u16);
  volume.write<std::uint16_t>()[0] = 65535;
  EXPECT_EQ(tensor_of(volume).item<float>(), 65535);
}

TEST(Tensor, BecomesAVolumeWithAllItsChannelsInTheirOrder) {
  auto const grid = upright({4, 3, 2}, {});
  auto const voxels = at::arange(48).reshape({2, 2, 3, 4});
  auto const volume =
      volume_of(voxels.transpose(2, 3).contiguous().transpose(2, 3), grid, Unit::one);
  EXPECT_EQ(volume.channels(), 2);
  EXPECT_EQ(volume.unit(), Unit::one);
  for (std::size_t i = 0; i < 48; ++i) EXPECT_EQ(volume.as<float>()[i], static_cast<float>(i));
  EXPECT_EQ(volume_of(voxels[1], grid, Unit::one).as<float>()[0], 24);
}

TEST(Tensor, RefusesToBecomeAVolumeOfAnotherSize) {
  auto const grid = upright({2, 3, 4}, {});
  EXPECT_THROW(volume_of(at::zeros({2, 3, 4}), grid, Unit::one), Error);
  EXPECT_THROW(volume_of(at::zeros({3, 4}), grid, Unit::one), Error);
}

TEST(Device, IsNamedOrRefusedWithTheNearestName) {
  EXPECT_EQ(device_named("cpu"), at::Device{at::kCPU});
  EXPECT_NO_THROW(device_named("auto"));
  try {
    device_named("cpuu");
    FAIL() << "accepted";
  } catch (Error const& error) {
    EXPECT_EQ(error.fault(), Fault::usage);
    EXPECT_NE(std::string{error.what()}.find("cpu"), std::string::npos);
  }
}

TEST(Threads, AreSetAndNoneIsRefused) {
  auto const before = at::get_num_threads();
  use_threads(1);
  EXPECT_EQ(at::get_num_threads(), 1);
  use_threads(before);
  EXPECT_THROW(use_threads(0), Error);
}

}  // namespace fovea
