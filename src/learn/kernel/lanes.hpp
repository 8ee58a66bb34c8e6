#pragma once

#include "learn/kernel/bfloat16.hpp"

#include <cstdint>
#include <cstring>
#include <type_traits>

namespace fovea {

/// Vectors of so many float32, for loops whose registers are planned by hand.
template <int lanes>
struct LanesVector {
  typedef float Type __attribute__((vector_size(lanes * 4)));
  typedef std::uint32_t Bits __attribute__((vector_size(lanes * 4)));
  typedef std::uint16_t Halves __attribute__((vector_size(lanes * 2)));
};

/// The first `count` of them; the others are zero.
template <int lanes, class T>
[[gnu::always_inline]] inline void load_lanes(typename LanesVector<lanes>::Type& to,
                                              T const* from,
                                              std::int64_t count = lanes) {
  using V = LanesVector<lanes>;
  auto const bytes = static_cast<std::size_t>(count) * sizeof(T);
  if constexpr (std::is_same_v<T, float>) {
    if (count == lanes) {
      std::memcpy(&to, from, sizeof(to));
      return;
    }
    to = typename V::Type{};
    std::memcpy(&to, from, bytes);
  } else {
    typename V::Halves halves{};
    if (count == lanes)
      std::memcpy(&halves, from, sizeof(halves));
    else
      std::memcpy(&halves, from, bytes);
    typename V::Bits const bits = __builtin_convertvector(halves, typename V::Bits) << 16;
    std::memcpy(&to, &bits, sizeof(to));
  }
}

/// As T, rounded as narrowed() does.
template <int lanes, class T>
[[gnu::always_inline]] inline void store_lanes(T* to,
                                               typename LanesVector<lanes>::Type const& from,
                                               std::int64_t count = lanes) {
  using V = LanesVector<lanes>;
  auto const bytes = static_cast<std::size_t>(count) * sizeof(T);
  if constexpr (std::is_same_v<T, float>) {
    if (count == lanes)
      std::memcpy(to, &from, sizeof(from));
    else
      std::memcpy(to, &from, bytes);
  } else {
    typename V::Bits bits;
    std::memcpy(&bits, &from, sizeof(bits));
    typename V::Bits const rounded = (bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16;
    auto const same = from == from;  // but for what is not a number
    typename V::Bits is_number;
    std::memcpy(&is_number, &same, sizeof(same));
    typename V::Bits const kept = (rounded & is_number) | (~is_number & 0x7fc0U);
    auto const halves = __builtin_convertvector(kept, typename V::Halves);
    auto* const memory = static_cast<void*>(to);
    if (count == lanes)
      std::memcpy(memory, &halves, sizeof(halves));
    else
      std::memcpy(memory, &halves, bytes);
  }
}

}  // namespace fovea
