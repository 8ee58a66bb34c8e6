#pragma once

#include <bit>
#include <cstdint>

namespace fovea {

/// The upper half of a float32: 8 bits of precision, the same range.
struct BFloat16 {
  std::uint16_t bits = 0;
};

[[gnu::always_inline]] inline float widened(float value) {
  return value;
}
[[gnu::always_inline]] inline float widened(BFloat16 value) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(value.bits) << 16);
}

/// To the nearest, ties to even; not a number stays that.
template <class T>
[[gnu::always_inline]] inline T narrowed(float value);
template <>
[[gnu::always_inline]] inline float narrowed<float>(float value) {
  return value;
}
template <>
[[gnu::always_inline]] inline BFloat16 narrowed<BFloat16>(float value) {
  auto const bits = std::bit_cast<std::uint32_t>(value);
  auto const rounded = (bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16;
  return {static_cast<std::uint16_t>(value == value ? rounded : 0x7fc0U)};
}

}  // namespace fovea
