#pragma once

#include "base/core/file.hpp"
#include "base/core/rng.hpp"
#include "base/core/zip.hpp"
#include "base/io/npy.hpp"
#include "base/io/picture.hpp"
#include "learn/data/layout.hpp"

#include <cstring>

// Small made-up sets for the tests of this folder.
namespace fovea {

inline Volume noise_picture(std::uint64_t seed,
                            std::int64_t width = 24,
                            std::int64_t height = 20) {
  auto image = image2d(width, height, Type::u8);
  Rng rng{seed};
  for (auto& pixel : image.write<std::uint8_t>())
    pixel = static_cast<std::uint8_t>(rng.below(256));
  return image;
}

inline void put_picture(fs::path const& file, std::uint64_t seed) {
  make_folder(file.parent_path());
  write_png(file, noise_picture(seed));
}

template <class T>
Array array_of(std::vector<std::int64_t> shape, std::vector<T> const& values) {
  auto bytes = std::make_shared<std::byte[]>(values.size() * sizeof(T));
  if (!values.empty()) std::memcpy(bytes.get(), values.data(), values.size() * sizeof(T));
  return {std::move(shape), TypeOf<T>::value, std::move(bytes)};
}

inline void put_npz(fs::path const& file,
                    std::vector<std::pair<std::string, Array>> const& arrays) {
  std::vector<ZipMember> members;
  for (auto const& [name, array] : arrays)
    members.push_back({name + ".npy", encode_npy(array)});
  write_zip(file, members);
}

inline std::vector<std::uint8_t> counted(std::size_t count) {
  std::vector<std::uint8_t> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<std::uint8_t>(i);
  return values;
}

/// A set of names only: `classes` classes in turn, `patients` patients, no images behind it.
inline Dataset paper_set(std::size_t cases, int classes, std::size_t patients) {
  Dataset set;
  for (int c = 0; c < classes; ++c) set.classes.push_back(text("class ", c));
  for (std::size_t i = 0; i < cases; ++i) {
    Case one;
    one.id = text("case ", i);
    one.patient = patients == 0 ? "" : text("patient ", i % patients);
    one.labels = {static_cast<std::int32_t>((patients == 0 ? i : i % patients) %
                                            static_cast<std::size_t>(classes))};
    set.cases.push_back(one);
  }
  return set;
}

}  // namespace fovea
