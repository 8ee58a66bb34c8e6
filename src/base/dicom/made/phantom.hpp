#pragma once

#include "base/core/file.hpp"
#include "base/core/words.hpp"
#include "base/dicom/tags.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

// DICOM files made byte by byte, for tests: right ones and wrong ones. Not by a library, so
// that a mistake in the reader is not made in the writer, too.
namespace fovea {

/// Writes data sets in one of the encodings.
class MadeDicom {
 public:
  bool explicit_kinds = true;
  bool big = false;

  void number(std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i)
      out_ += static_cast<char>(value >> 8 * (big ? bytes - 1 - i : i) & 0xff);
  }
  void words(std::string_view raw) { out_ += raw; }
  void tag(Tag which) {
    number(group_of(which), 2);
    number(number_of(which) & 0xffff, 2);
  }
  /// Tag, kind and length, with `length` whatever it should be.
  void start(Tag which, std::string_view kind, std::uint32_t length) {
    tag(which);
    if (explicit_kinds && group_of(which) != 0xfffe) {
      out_ += kind;
      char const letters[3] = {kind[0], kind[1], 0};
      if (!is_long(vr(letters))) return number(length, 2);
      number(0, 2);
    }
    number(length, 4);
  }
  void put(Tag which, std::string_view kind, std::string value) {
    if (value.size() % 2 != 0) value += kind == "UI" ? '\0' : ' ';
    start(which, kind, static_cast<std::uint32_t>(value.size()));
    out_ += value;
  }
  void put_short(Tag which, std::uint32_t value) {
    start(which, "US", 2);
    number(value, 2);
  }
  std::string const& bytes() const { return out_; }

 private:
  std::string out_;
};

inline std::string made_decimals(std::vector<double> const& values) {
  std::vector<std::string> parts;
  for (auto const value : values) parts.push_back(spelled(value));
  return joined(parts, "\\");
}

/// Preamble, meta header, and what follows.
inline std::string made_file(std::string_view syntax, std::string const& dataset) {
  MadeDicom meta;
  meta.put(Tag::transfer_syntax, "UI", std::string{syntax});
  MadeDicom length;
  length.start(Tag{0x00020000}, "UL", 4);
  length.number(meta.bytes().size(), 4);
  return std::string(128, '\0') + "DICM" + length.bytes() + meta.bytes() + dataset;
}

/// An attribute of words, or of bytes as they are, in explicit little endian: for `parts`.
inline std::string made_value(Tag tag, std::string_view kind, std::string value) {
  MadeDicom out;
  out.put(tag, kind, std::move(value));
  return out.bytes();
}

/// Numbers of so many bytes, the least significant first: "US" of 4096, -2048 and 16.
inline std::string made_numbers(std::vector<std::int64_t> const& values, int bytes = 2) {
  MadeDicom out;
  for (auto const value : values) out.number(static_cast<std::uint64_t>(value), bytes);
  return out.bytes();
}

/// A sequence of items made by the others.
inline std::string made_sequence(Tag tag, std::vector<std::string> const& items) {
  MadeDicom inside;
  for (auto const& item : items) {
    inside.start(Tag::item, "", static_cast<std::uint32_t>(item.size()));
    inside.words(item);
  }
  return made_value(tag, "SQ", inside.bytes());
}

inline constexpr std::string_view made_implicit = "1.2.840.10008.1.2";
inline constexpr std::string_view made_explicit = "1.2.840.10008.1.2.1";
inline constexpr std::string_view made_big_endian_dicom = "1.2.840.10008.1.2.2";
inline constexpr std::string_view made_deflated = "1.2.840.10008.1.2.1.99";
inline constexpr std::string_view made_rle = "1.2.840.10008.1.2.5";

inline std::span<std::byte const> made_bytes(std::string const& words) {
  return std::as_bytes(std::span{words});
}

/// An image with these words for pixels.
struct MadePixels {
  std::string_view syntax = made_explicit;
  std::uint32_t rows = 2, columns = 2, samples = 1, planar = 0;
  std::string frames{};
  std::string photometric = "MONOCHROME2";
  std::uint32_t allocated = 16, stored = 16, high = 15, signedness = 0;
  std::string pixels{};
  std::vector<std::string> fragments{};  // instead
  std::string kind = "OW";

  std::string bytes() const {
    MadeDicom out;
    out.explicit_kinds = syntax != made_implicit;
    out.big = syntax == made_big_endian_dicom;
    out.put_short(Tag::samples, samples);
    out.put(Tag::photometric, "CS", photometric);
    if (samples > 1) out.put_short(Tag::planar, planar);
    if (!frames.empty()) out.put(Tag::frames, "IS", frames);
    out.put_short(Tag::rows, rows);
    out.put_short(Tag::columns, columns);
    out.put_short(Tag::bits_allocated, allocated);
    out.put_short(Tag::bits_stored, stored);
    out.put_short(Tag::high_bit, high);
    out.put_short(Tag::signedness, signedness);
    if (fragments.empty()) {
      out.start(Tag::pixels, kind, static_cast<std::uint32_t>(pixels.size()));
      out.words(pixels);
      return made_file(syntax, out.bytes());
    }
    out.start(Tag::pixels, "OB", 0xffffffff);
    out.start(Tag::item, "", 0);
    for (auto const& part : fragments) {
      out.start(Tag::item, "", static_cast<std::uint32_t>(part.size()));
      out.words(part);
    }
    out.start(Tag::sequence_end, "", 0);
    return made_file(syntax, out.bytes());
  }
};

/// One slice of a phantom series: change what you like before it is written.
struct MadeSlice {
  std::string sop_class = "1.2.840.10008.5.1.4.1.1.2";  // CT
  std::string sop = "1.2.3.1";
  std::string series = "1.2.3";
  std::string study = "1.2";
  std::string frame_of_reference = "1.2.9";
  std::string patient = "P1";
  std::string modality = "CT";
  std::string photometric = "MONOCHROME2";
  std::uint32_t rows = 4, columns = 6;
  std::string position = "-10\\-20\\30";  // empty: left out, as are all below
  std::string orientation = "1\\0\\0\\0\\1\\0";
  std::string spacing = "0.5\\0.75";  // between rows, then between columns
  std::string slope = "1";
  std::string intercept = "-1024";
  bool negative = false;
  int stored = 12;
  std::vector<std::pair<Tag, std::string>> more;   // decimal or text, any order
  std::vector<std::pair<Tag, std::string>> parts;  // whole attributes of any kind, any order
  std::vector<std::uint16_t> pixels;               // rows x columns, else made up

  MadeSlice& at(double x, double y, double z) {
    position = made_decimals({x, y, z});
    return *this;
  }

  std::string bytes() const {
    std::map<std::uint32_t, std::string> all;
    auto const text_of = [&](Tag tag, std::string_view kind, std::string const& value) {
      if (value.empty()) return;
      MadeDicom one;
      one.put(tag, kind, value);
      all[number_of(tag)] = one.bytes();
    };
    auto const number_of_tag = [&](Tag tag, std::uint32_t value) {
      MadeDicom one;
      one.put_short(tag, value);
      all[number_of(tag)] = one.bytes();
    };
    text_of(Tag::sop_class, "UI", sop_class);
    text_of(Tag::sop_instance, "UI", sop);
    text_of(Tag::study, "UI", study);
    text_of(Tag::series, "UI", series);
    text_of(Tag::frame_of_reference, "UI", frame_of_reference);
    text_of(Tag::patient_id, "LO", patient);
    text_of(Tag::modality, "CS", modality);
    text_of(Tag::photometric, "CS", photometric);
    text_of(Tag::position, "DS", position);
    text_of(Tag::orientation, "DS", orientation);
    text_of(Tag::pixel_spacing, "DS", spacing);
    text_of(Tag::slope, "DS", slope);
    text_of(Tag::intercept, "DS", intercept);
    for (auto const& [tag, value] : more) text_of(tag, "DS", value);
    for (auto const& [tag, part] : parts) all[number_of(tag)] = part;
    number_of_tag(Tag::samples, 1);
    number_of_tag(Tag::rows, rows);
    number_of_tag(Tag::columns, columns);
    number_of_tag(Tag::bits_allocated, 16);
    number_of_tag(Tag::bits_stored, static_cast<std::uint32_t>(stored));
    number_of_tag(Tag::high_bit, static_cast<std::uint32_t>(stored - 1));
    number_of_tag(Tag::signedness, negative ? 1 : 0);
    MadeDicom image;
    auto const count = std::size_t{rows} * columns;
    image.start(Tag::pixels, "OW", static_cast<std::uint32_t>(2 * count));
    for (std::size_t i = 0; i < count; ++i) image.number(i < pixels.size() ? pixels[i] : i, 2);
    all[number_of(Tag::pixels)] = image.bytes();
    std::string dataset;
    for (auto const& [tag, part] : all) dataset += part;
    return made_file(made_explicit, dataset);
  }
};

}  // namespace fovea
