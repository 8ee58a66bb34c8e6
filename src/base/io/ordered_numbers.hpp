#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

// Inside base/io only.
namespace fovea {

/// Whole numbers in either order of bytes, of files that may break off: 0 beyond the end.
class OrderedNumbers {
 public:
  OrderedNumbers(std::span<std::byte const> bytes, bool big) : bytes_(bytes), big_(big) {}

  /// Of up to 4 bytes.
  std::uint32_t at(std::size_t place, std::size_t count) const {
    if (place > bytes_.size() || bytes_.size() - place < count) return 0;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < count; ++i)
      value = value << 8 |
              std::to_integer<std::uint32_t>(bytes_[place + (big_ ? i : count - 1 - i)]);
    return value;
  }

 private:
  std::span<std::byte const> bytes_;
  bool big_;
};

}  // namespace fovea
