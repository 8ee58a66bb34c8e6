#include "base/io/gzip.hpp"

#include "base/core/rng.hpp"
#include "base/io/voxel_input.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>
#include <zlib.h>

namespace fovea {
namespace {

constexpr std::size_t gzip_test_part = 2U << 20;

// Runs of noise and of zeros: blocks of all kinds.
Bytes gzip_test_bytes(std::size_t count) {
  Bytes out(count);
  Rng rng{7};
  for (std::size_t i = 0; i < count; ++i)
    out[i] =
        static_cast<std::byte>((i >> 14) % 3 == 0 ? 0 : rng.below((i >> 16) % 2 ? 256 : 9));
  return out;
}

Bytes gzip_test_unpacked(Bytes const& packed, std::size_t count) {
  Bytes room(count);
  VoxelInput{ByteSource{packed}, Packing::gzip}.fill(room);
  return room;
}

// As everybody else reads it: one member, from the start to the end, checksum and size right.
Bytes gzip_test_by_zlib(Bytes packed, std::size_t count) {
  Bytes room(count + 1);
  z_stream in{};
  EXPECT_EQ(inflateInit2(&in, MAX_WBITS + 16), Z_OK);
  in.next_in = reinterpret_cast<Bytef*>(packed.data());
  in.avail_in = static_cast<uInt>(packed.size());
  in.next_out = reinterpret_cast<Bytef*>(room.data());
  in.avail_out = static_cast<uInt>(room.size());
  EXPECT_EQ(inflate(&in, Z_FINISH), Z_STREAM_END);
  EXPECT_EQ(in.avail_in, 0U);
  room.resize(room.size() - in.avail_out);
  inflateEnd(&in);
  return room;
}

TEST(Gzip, PartsAreOneMemberForEveryReader) {
  for (auto const count : {std::size_t{0}, std::size_t{1}, gzip_test_part - 1, gzip_test_part,
                           gzip_test_part + 1, 3 * gzip_test_part, 3 * gzip_test_part + 77}) {
    for (auto const level : {1, 6, 12}) {
      if (level == 12 && count > gzip_test_part + 1) continue;  // slow
      SCOPED_TRACE(text(count, " bytes, level ", level));
      auto const bytes = gzip_test_bytes(count);
      auto const packed = gzip_packed(bytes, level);
      EXPECT_EQ(gzip_test_by_zlib(packed, count), bytes);
      EXPECT_EQ(gzip_test_unpacked(packed, count), bytes);
      Bytes room(count);
      EXPECT_EQ(unpack_gzip_parts(packed, room), count > gzip_test_part);
      EXPECT_EQ(gzip_packed(bytes, level), packed);
    }
  }
}

TEST(Gzip, NoPartMatchesTheBytesOfAnother) {
  // All the same, all different, and a short last part: the last block is stored, fixed or
  // dynamic, and ends at any bit.
  for (std::size_t tail = 0; tail < 40; ++tail) {
    Bytes bytes(gzip_test_part + tail, std::byte{3});
    Rng rng{tail};
    for (std::size_t i = 0; i < 3 * tail; ++i)
      bytes[gzip_test_part - 1 - i] = static_cast<std::byte>(rng.below(256));
    ASSERT_EQ(gzip_test_by_zlib(gzip_packed(bytes, 6), bytes.size()), bytes) << tail;
  }
}

TEST(Gzip, AnIndexThatLiesIsNotBelieved) {
  auto const bytes = gzip_test_bytes(3 * gzip_test_part + 500);
  auto const good = gzip_packed(bytes, 3);
  auto const changed = [&](std::size_t at, int by) {
    auto out = good;
    out[at] = static_cast<std::byte>(std::to_integer<int>(out[at]) + by);
    return out;
  };
  Bytes room(bytes.size());
  ASSERT_TRUE(unpack_gzip_parts(good, room));
  // "FV", its length, the size of parts, sizes of the first and the second.
  for (auto const at : {12U, 13U, 14U, 16U, 18U, 20U, 21U, 24U}) {
    auto const bad = changed(at, 1);
    EXPECT_FALSE(unpack_gzip_parts(bad, room)) << at;
    EXPECT_EQ(gzip_test_unpacked(bad, bytes.size()), bytes) << at;
  }
  // One byte from the first part to the second: sizes add up, and are wrong.
  auto shifted = changed(20, 1);
  shifted[24] = static_cast<std::byte>(std::to_integer<int>(shifted[24]) - 1);
  EXPECT_FALSE(unpack_gzip_parts(shifted, room));
  EXPECT_EQ(gzip_test_unpacked(shifted, bytes.size()), bytes);
}

TEST(Gzip, DamageIsRefusedWithAnIndexToo) {
  auto const bytes = gzip_test_bytes(2 * gzip_test_part);
  auto const good = gzip_packed(bytes, 3);
  for (auto const at : {good.size() / 4, good.size() / 2, good.size() - 8, good.size() - 1}) {
    auto bad = good;
    bad[at] ^= std::byte{0x10};
    EXPECT_THROW(gzip_test_unpacked(bad, bytes.size()), Refusal) << at;
  }
  auto cut = good;
  cut.resize(cut.size() - 100);
  EXPECT_THROW(gzip_test_unpacked(cut, bytes.size()), Refusal);
}

TEST(Gzip, FewerBytesThanThereAreCanBeTaken) {
  auto const bytes = gzip_test_bytes(2 * gzip_test_part);
  auto const packed = gzip_packed(bytes, 3);
  EXPECT_EQ(gzip_test_unpacked(packed, 1000), Bytes(bytes.begin(), bytes.begin() + 1000));
  EXPECT_THROW(gzip_test_unpacked(packed, bytes.size() + 1), Refusal);
}

}  // namespace
}  // namespace fovea
