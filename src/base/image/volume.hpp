#pragma once

#include "base/core/error.hpp"
#include "base/image/grid.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>

namespace fovea {

enum class Unit { arbitrary, hounsfield, one, gray, suv };
enum class Type { u8, i8, u16, i16, u32, i32, u64, i64, f32, f64 };

inline constexpr Type all_types[] = {Type::u8,  Type::i8,  Type::u16, Type::i16, Type::u32,
                                     Type::i32, Type::u64, Type::i64, Type::f32, Type::f64};

template <class T>
struct TypeOf;
template <>
struct TypeOf<std::uint8_t> : std::integral_constant<Type, Type::u8> {};
template <>
struct TypeOf<std::int8_t> : std::integral_constant<Type, Type::i8> {};
template <>
struct TypeOf<std::uint16_t> : std::integral_constant<Type, Type::u16> {};
template <>
struct TypeOf<std::int16_t> : std::integral_constant<Type, Type::i16> {};
template <>
struct TypeOf<std::uint32_t> : std::integral_constant<Type, Type::u32> {};
template <>
struct TypeOf<std::int32_t> : std::integral_constant<Type, Type::i32> {};
template <>
struct TypeOf<std::uint64_t> : std::integral_constant<Type, Type::u64> {};
template <>
struct TypeOf<std::int64_t> : std::integral_constant<Type, Type::i64> {};
template <>
struct TypeOf<float> : std::integral_constant<Type, Type::f32> {};
template <>
struct TypeOf<double> : std::integral_constant<Type, Type::f64> {};

std::size_t bytes_of(Type type);
std::string_view name_of(Type type);
std::string_view name_of(Unit unit);  ///< "arbitrary", "HU", "one", "Gy", "SUV"

/// Calls `use` with a value of the C++ type behind `type`: the one place that switches over it.
template <class Use>
decltype(auto) with_type(Type type, Use&& use) {
  switch (type) {
    case Type::u8:
      return use(std::uint8_t{});
    case Type::i8:
      return use(std::int8_t{});
    case Type::u16:
      return use(std::uint16_t{});
    case Type::i16:
      return use(std::int16_t{});
    case Type::u32:
      return use(std::uint32_t{});
    case Type::i32:
      return use(std::int32_t{});
    case Type::u64:
      return use(std::uint64_t{});
    case Type::i64:
      return use(std::int64_t{});
    case Type::f64:
      return use(double{});
    case Type::f32:
      break;
  }
  return use(float{});
}

/// Voxels and where they are. A copy shares voxels; whoever wants to write makes a fresh one.
/// Stored with i fastest, then j, then k, then channel: as DICOM and NIfTI files are, and as a
/// tensor [channel, k, j, i]. A 2D image is a volume of one slice (size[2] == 1): i runs along
/// a row from left to right, j from the top row down.
class Volume {
 public:
  /// Zeros on the grid. Throws Error{input} if a size or the number of channels is below 1 or
  /// all voxels together would exceed 2^40; Error{resource} if there is no memory for them.
  Volume(Grid grid, Type type, Unit unit = Unit::arbitrary, std::int64_t channels = 1);
  /// Of voxels that are there already: enough of them, and aligned for their type.
  Volume(Grid grid,
         Type type,
         Unit unit,
         std::int64_t channels,
         std::shared_ptr<std::byte[]> voxels);

  Grid const& grid() const { return grid_; }
  Type type() const { return type_; }
  Unit unit() const { return unit_; }
  std::int64_t channels() const { return channels_; }
  std::int64_t width() const { return grid_.size[0]; }
  std::int64_t height() const { return grid_.size[1]; }
  std::int64_t depth() const { return grid_.size[2]; }
  std::int64_t voxels() const { return width() * height() * depth(); }  ///< of one channel
  std::shared_ptr<std::byte[]> const& bytes() const { return bytes_; }
  std::size_t byte_count() const { return count() * bytes_of(type_); }

  /// All voxels of all channels. Throws Error{bug} if they are stored as another type.
  template <class T>
  std::span<T const> as() const {
    return {pointer<T>(), count()};
  }
  template <class T>
  std::span<T> write() {
    return {pointer<T>(), count()};
  }
  /// The voxels of one channel.
  template <class T>
  std::span<T const> channel(std::int64_t at) const {
    return as<T>().subspan(static_cast<std::size_t>(at * voxels()),
                           static_cast<std::size_t>(voxels()));
  }
  template <class T>
  std::span<T> write_channel(std::int64_t at) {
    return write<T>().subspan(static_cast<std::size_t>(at * voxels()),
                              static_cast<std::size_t>(voxels()));
  }

 private:
  std::size_t count() const { return static_cast<std::size_t>(voxels() * channels_); }
  void expect(Type type) const;
  template <class T>
  T* pointer() const {
    expect(TypeOf<T>::value);
    return reinterpret_cast<T*>(bytes_.get());
  }

  Grid grid_;
  Type type_;
  Unit unit_;
  std::int64_t channels_;
  std::shared_ptr<std::byte[]> bytes_;
};

/// The same voxels as float, unscaled; shares them if they are float already.
Volume as_float(Volume const& volume);

/// Whether it has one channel, or three that are equal: a grey picture that was saved in colour
/// says no more than the same picture saved in grey.
bool is_grey(Volume const& picture);

/// A 2D image of zeros, spacing 1.
Volume image2d(std::int64_t width, std::int64_t height, Type type, std::int64_t channels = 1);

/// A CT-like ball of soft tissue (40 HU) in air (-1000 HU), i16: for tests, examples,
/// benchmarks.
Volume phantom(Grid const& grid = upright({32, 32, 16}, {}));

}  // namespace fovea
