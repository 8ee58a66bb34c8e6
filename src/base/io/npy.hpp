#pragma once

#include "base/core/file.hpp"
#include "base/image/volume.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace fovea {

/// An array as NumPy stores it, in C order (Fortran order is turned while reading). Rare and
/// wide types (bool, i8, u32, i64, u64, f16) become the smallest of u8, u16, i16, i32, f32 and
/// f64 that holds their values exactly, else the reader refuses: a label is never rounded
/// silently.
struct Array {
  std::vector<std::int64_t> shape;
  Type type = Type::u8;
  std::shared_ptr<std::byte[]> bytes;

  std::int64_t count() const;  ///< of all values
  template <class T>
  std::span<T const> as() const {
    if (type != TypeOf<T>::value)
      throw Error{Fault::bug, "an array was read as another type", "convert it"};
    return {reinterpret_cast<T const*>(bytes.get()), static_cast<std::size_t>(count())};
  }
  double at(std::int64_t index) const;  ///< one value, whatever the type; index in C order
};

/// NEP 1 versions 1 to 3. Throws Error{input} on a header that lies about its length, on
/// pickled objects (they run code) and structured types, on more than `limit` bytes of values.
Array decode_npy(std::span<std::byte const> bytes,
                 std::string_view name,
                 std::uint64_t limit = 8ULL << 30);

/// Every member "NAME.npy" of a zip, by NAME; others are ignored. `only`: the names to read,
/// all if empty. Throws Error{input} as decode_npy does, and if the zip is damaged.
std::map<std::string, Array> read_npz(fs::path const& file,
                                      std::vector<std::string> const& only = {},
                                      std::uint64_t limit = 8ULL << 30);
/// Names and shapes without the values.
std::map<std::string, Array> list_npz(fs::path const& file);

Bytes encode_npy(Array const& array);
void write_npy(fs::path const& file, Array const& array);

}  // namespace fovea
