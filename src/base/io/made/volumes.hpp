#pragma once

#include "base/core/hash.hpp"
#include "base/core/words.hpp"
#include "base/io/image_file.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <vector>

// What the tests of the formats of volumes share.
namespace fovea {

inline fs::path volume_seeds(std::string_view fuzzer) {
  return fs::path{FOVEA_SOURCE_DIR} / "tests" / "seeds" / fuzzer;
}

inline std::string volume_hash(Volume const& volume) {
  std::vector<double> out;
  with_type(volume.type(), [&](auto zero) {
    for (auto const value : volume.as<decltype(zero)>())
      out.push_back(static_cast<double>(value));
  });
  return sha256(std::as_bytes(std::span{out}));
}

// Sizes, those of 1 behind the third left out.
inline std::string volume_shape(ImageFile const& image) {
  std::vector<std::string> sizes;
  for (auto const size : image.volume.grid().size) sizes.push_back(text(size));
  for (auto const size : image.more) {
    if (size > 1) sizes.push_back(text(size));
  }
  return joined(sizes, "x");
}

inline std::vector<double> volume_place(Grid const& grid) {
  std::vector<double> out{grid.origin.mm.begin(), grid.origin.mm.end()};
  for (auto const& axis : grid.axes) out.insert(out.end(), axis.mm.begin(), axis.mm.end());
  return out;
}

// A row of made/nrrd_mha.csv.
struct VolumeExpected {
  std::string file, shape, place, values;
};

inline std::vector<VolumeExpected> volumes_expected() {
  auto const words = read_text(fs::path{FOVEA_SOURCE_DIR} / "src/base/io/made/nrrd_mha.csv");
  std::vector<VolumeExpected> rows;
  auto const lines = split(words, '\n');
  for (std::size_t i = 1; i < lines.size(); ++i) {
    auto const cells = split(lines[i], ',');
    if (cells.size() == 4) rows.push_back({cells[0], cells[1], cells[2], cells[3]});
  }
  return rows;
}

// What is not placed is compared by its spacings.
inline void expect_volume(ImageFile const& image, VolumeExpected const& row) {
  SCOPED_TRACE(row.file);
  EXPECT_EQ(volume_shape(image),
            image.colour ? row.shape.substr(0, row.shape.size() - 2) : row.shape);
  EXPECT_EQ(volume_hash(image.volume), row.values);
  std::vector<double> wanted;
  for (auto const& word : split(row.place, ' ')) wanted.push_back(number(word).value_or(1e9));
  ASSERT_EQ(wanted.size(), 12U);
  auto const got = volume_place(image.volume.grid());
  auto const spacing = image.volume.grid().spacing().mm;
  for (std::size_t a = 0; image.placed() && a < 12; ++a)
    EXPECT_NEAR(got[a], wanted[a], 1e-13 * std::abs(wanted[a])) << a;
  for (std::size_t a = 0; a < 3; ++a)
    EXPECT_NEAR(spacing[a], std::hypot(wanted[3 + 3 * a], wanted[4 + 3 * a], wanted[5 + 3 * a]),
                1e-12);
}

// A small image with a name for every voxel.
inline ImageFile made_image(Type type,
                            Grid const& grid,
                            std::vector<std::int64_t> more = {},
                            std::int64_t colours = 1) {
  std::int64_t channels = colours;
  for (auto const size : more) channels *= size;
  Volume volume{grid, type, Unit::arbitrary, channels};
  with_type(type, [&](auto zero) {
    using T = decltype(zero);
    T next = std::numeric_limits<T>::lowest();
    for (auto& value : volume.write<T>()) {
      value = next;
      next = static_cast<T>(next + T{1});
    }
    volume.write<T>().back() = std::numeric_limits<T>::max();
  });
  return {.volume = volume, .more = std::move(more), .colour = colours > 1, .notes = {}};
}

// Turned and not at right angles.
inline Grid made_sheared_grid() {
  return {.size = {4, 3, 2},
          .origin = {{-12.5, 20.3, 100.1}},
          .axes = {{{{0.5, 0.25, 0}}, {{-0.25, 0.7, 0.125}}, {{0, 1.5, 3.1}}}}};
}

inline void expect_same(ImageFile const& got, ImageFile const& wanted) {
  EXPECT_EQ(got.volume.type(), wanted.volume.type());
  EXPECT_EQ(got.volume.grid().size, wanted.volume.grid().size);
  EXPECT_EQ(got.more, wanted.more);
  EXPECT_EQ(got.colour, wanted.colour);
  EXPECT_EQ(got.space, wanted.space);
  EXPECT_EQ(got.intent, wanted.intent);
  ASSERT_EQ(got.volume.byte_count(), wanted.volume.byte_count());
  EXPECT_EQ(std::memcmp(got.volume.bytes().get(), wanted.volume.bytes().get(),
                        wanted.volume.byte_count()),
            0);
}

inline std::vector<std::string> codes_of(ImageFile const& image) {
  std::vector<std::string> out;
  for (auto const& note : image.notes) out.emplace_back(note.code);
  return out;
}

inline std::string refusal_of(std::function<void()> const& work) {
  try {
    work();
  } catch (Refusal const& fault) {
    EXPECT_EQ(fault.fault(), Fault::input);
    return std::string{fault.code()};
  } catch (Error const& fault) {
    return fault.what();
  }
  return "was taken";
}

inline Bytes bytes_of_words(std::string_view words) {
  auto const bytes = std::as_bytes(std::span{words});
  return {bytes.begin(), bytes.end()};
}

// `words` with the first `from` in it exchanged.
inline std::string exchanged(std::string words, std::string_view from, std::string_view to) {
  auto const at = words.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return words.replace(at, from.size(), to);
}

}  // namespace fovea
