#include "base/geometry/resample_slabs.hpp"

#include "base/core/rng.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <utility>

namespace fovea {
namespace {

Volume slabs_test_noise(Grid const& grid, Type type, std::int64_t channels) {
  Volume out{grid, type, Unit::one, channels};
  Rng rng{7};
  with_type(type, [&](auto zero) {
    using T = decltype(zero);
    for (auto& value : out.write<T>()) value = static_cast<T>(100 * rng.uniform());
  });
  return out;
}

// A volume that hands out copies of its boxes and counts how many bytes of them are held.
class SlabsTestSource {
 public:
  explicit SlabsTestSource(Volume volume) : volume_(std::move(volume)) {}

  VolumeParts parts() {
    return {volume_.grid(), volume_.type(), volume_.unit(), volume_.channels(),
            [this](IndexBox const& box) { return read(box); }};
  }
  /// The most that was held since it was asked last.
  std::size_t most() { return std::exchange(most_, held_); }

 private:
  VolumePart read(IndexBox const& box) {
    auto grid = volume_.grid();
    grid.size = box.size;
    auto const size = bytes_of(volume_.type());
    auto const bytes =
        static_cast<std::size_t>(box.size[0] * box.size[1] * box.size[2] * volume_.channels()) *
        size;
    held_ += bytes;
    most_ = std::max(most_, held_);
    std::shared_ptr<std::byte[]> const room{new std::byte[bytes], [this, bytes](std::byte* at) {
                                              held_ -= bytes;
                                              delete[] at;
                                            }};
    auto* to = room.get();
    auto const row = static_cast<std::size_t>(box.size[0]) * size;
    for (std::int64_t c = 0; c < volume_.channels(); ++c) {
      for (std::int64_t k = 0; k < box.size[2]; ++k) {
        for (std::int64_t j = 0; j < box.size[1]; ++j, to += row) {
          auto const at =
              ((c * volume_.depth() + box.first[2] + k) * volume_.height() + box.first[1] + j) *
                  volume_.width() +
              box.first[0];
          std::memcpy(to, volume_.bytes().get() + static_cast<std::size_t>(at) * size, row);
        }
      }
    }
    return {Volume{grid, volume_.type(), volume_.unit(), volume_.channels(), room}, box.first,
            volume_.grid().size};
  }

  Volume volume_;
  std::size_t held_ = 0, most_ = 0;
};

Grid slabs_test_turned(std::array<std::int64_t, 3> size, double angle) {
  auto out = upright(size, {{1.3, 1.2, 0.9}}, {{4, 9, 1}});
  auto const c = std::cos(angle), s = std::sin(angle);
  out.axes[0].mm = {1.3 * c, 1.3 * s, 0.2};
  out.axes[1].mm = {-1.2 * s, 1.2 * c, 0.1};
  return out;
}

// Checks each slab against the whole; gives back the bytes that were held at most.
std::size_t slabs_test_run(Volume const& whole,
                           Volume const& expected,
                           Resample const& options) {
  SlabsTestSource source{whole};
  auto const& onto = expected.grid();
  std::int64_t next = 0;
  std::size_t held = 0;
  resample_slabs(source.parts(), onto, options, [&](Volume const& slab, std::int64_t first) {
    EXPECT_EQ(first, next);
    next += slab.depth();
    held = std::max(held, source.most() + slab.byte_count());
    EXPECT_EQ(slab.unit(), whole.unit());
    for (std::size_t axis = 0; axis < 3; ++axis)
      EXPECT_NEAR(slab.grid().origin.mm[axis],
                  onto.point_of({{0, 0, static_cast<double>(first)}}).mm[axis], 1e-9);
    auto const plane =
        static_cast<std::size_t>(onto.size[0] * onto.size[1]) * bytes_of(whole.type());
    auto const depth = static_cast<std::size_t>(slab.depth());
    for (std::int64_t c = 0; c < whole.channels(); ++c) {
      auto const n = static_cast<std::size_t>(c);
      auto const from =
          n * static_cast<std::size_t>(onto.size[2]) + static_cast<std::size_t>(first);
      EXPECT_EQ(std::memcmp(slab.bytes().get() + n * depth * plane,
                            expected.bytes().get() + from * plane, depth * plane),
                0);
    }
  });
  EXPECT_EQ(next, onto.size[2]);
  return held;
}

TEST(ResampleSlabs, AreTheWholeBitForBitInLittleMemory) {
  auto const grid = upright({24, 20, 140}, {{1, 1.1, 0.7}});
  auto swapped = upright({30, 26, 17}, {{3.3, 1.1, 1.3}}, {{2, 1, 1}});
  std::swap(swapped.axes[0], swapped.axes[2]);
  auto flipped = upright({22, 15, 90}, {{0.9, 1.2, 1.1}}, {{1, 2, 97}});
  flipped.axes[2].mm = {0, 0, -1.1};
  constexpr std::pair<char const*, Interpolator> names[] = {
      {"nearest", Interpolator::nearest},
      {"linear", Interpolator::linear},
      {"cubic", Interpolator::cubic},
      {"label-linear", Interpolator::label_linear}};
  for (auto const& [type, channels] :
       {std::pair{Type::i16, 1}, std::pair{Type::f64, 1}, std::pair{Type::u8, 2}}) {
    auto const whole = slabs_test_noise(grid, type, channels);
    auto const memory = whole.byte_count() / 2;
    for (auto const& onto : {upright({17, 19, 100}, {{1.4, 1.2, 1.1}}, {{-2, 1, 0.3}}), swapped,
                             flipped, slabs_test_turned({16, 18, 90}, 0.4)}) {
      for (auto const& [name, interpolator] : names) {
        for (auto const smooth : {false, true}) {
          SCOPED_TRACE(
              text(name, " ", name_of(type), " ", onto.size[2], smooth ? " smooth" : ""));
          Resample options{.interpolator = interpolator, .outside = -3, .smooth = smooth};
          auto const expected = resample(whole, onto, options);
          options.memory = 1;
          auto const least = slabs_test_run(whole, expected, options);
          options.memory = memory;
          auto const held = slabs_test_run(whole, expected, options);
          // Turned grids and votes go by boxes that are not made smaller.
          auto const boxed = interpolator == Interpolator::label_linear ||
                             (onto.axes[0].mm[0] != 0 && onto.axes[0].mm[1] != 0);
          if (!boxed) {
            EXPECT_LE(held, std::max(memory, least));
          }
          if (interpolator == Interpolator::linear && !smooth) {
            EXPECT_LE(held, memory);
          }
        }
      }
    }
  }
}

TEST(ResampleSlabs, PassOnWhatTheirSourceThrows) {
  SlabsTestSource source{slabs_test_noise(upright({8, 8, 8}, {}), Type::u8, 1)};
  auto parts = source.parts();
  parts.read = [](IndexBox const&) -> VolumePart {
    throw Error{Fault::input, "the file is gone", "bring it back"};
  };
  EXPECT_THROW(resample_slabs(parts, upright({4, 4, 4}, {}), {}, [](auto&&...) {}), Error);
}

}  // namespace
}  // namespace fovea
