#pragma once

#include "base/dicom/made/phantom.hpp"

#include <optional>

// DICOM objects of several frames made byte by byte, for tests: enhanced images, segmentations,
// dose grids.
namespace fovea {

/// Writes values and sequences of one encoding, each as bytes of its own.
struct MadeGroups {
  bool explicit_kinds = true;

  std::string text_of(Tag tag, std::string_view kind, std::string const& value) const {
    auto out = fresh();
    out.put(tag, kind, value);
    return out.bytes();
  }
  std::string shorts(Tag tag, std::vector<std::uint32_t> const& values) const {
    return numbers(tag, "US", values, 2);
  }
  std::string longs(Tag tag, std::vector<std::uint32_t> const& values) const {
    return numbers(tag, "UL", values, 4);
  }
  std::string doubles(Tag tag, std::vector<double> const& values) const {
    auto out = fresh();
    out.start(tag, "FD", static_cast<std::uint32_t>(8 * values.size()));
    for (auto const value : values) {
      std::uint64_t bits = 0;
      std::memcpy(&bits, &value, sizeof bits);
      out.number(bits, 8);
    }
    return out.bytes();
  }
  std::string sequence(Tag tag, std::vector<std::string> const& items) const {
    auto inside = fresh();
    for (auto const& item : items) {
      inside.start(Tag::item, "", static_cast<std::uint32_t>(item.size()));
      inside.words(item);
    }
    auto out = fresh();
    out.start(tag, "SQ", static_cast<std::uint32_t>(inside.bytes().size()));
    out.words(inside.bytes());
    return out.bytes();
  }

  // Functional groups.
  std::string position(double x, double y, double z) const {
    return sequence(Tag{0x00209113}, {text_of(Tag::position, "DS", made_decimals({x, y, z}))});
  }
  std::string orientation(std::string const& cosines = "1\\0\\0\\0\\1\\0") const {
    return sequence(Tag{0x00209116}, {text_of(Tag::orientation, "DS", cosines)});
  }
  std::string measures(std::string const& spacing = "0.5\\0.75",
                       std::string const& thickness = "",
                       std::string const& between = "") const {
    std::string item;
    if (!thickness.empty()) item += text_of(Tag::slice_thickness, "DS", thickness);
    if (!between.empty()) item += text_of(Tag{0x00180088}, "DS", between);
    return sequence(Tag{0x00289110}, {item + text_of(Tag::pixel_spacing, "DS", spacing)});
  }
  std::string rescale(std::string const& slope,
                      std::string const& intercept,
                      std::string const& type = "HU") const {
    return sequence(Tag{0x00289145}, {text_of(Tag::intercept, "DS", intercept) +
                                      text_of(Tag::slope, "DS", slope) +
                                      text_of(Tag::rescale_type, "LO", type)});
  }
  std::string content(std::string const& stack,
                      std::optional<std::uint32_t> time = {},
                      std::vector<std::uint32_t> const& dimensions = {}) const {
    auto item = text_of(Tag{0x00209056}, "SH", stack);
    if (time) item += longs(Tag{0x00209128}, {*time});
    if (!dimensions.empty()) item += longs(Tag{0x00209157}, dimensions);
    return sequence(Tag{0x00209111}, {item});
  }
  std::string echo(double milliseconds) const {
    return sequence(Tag{0x00189114}, {doubles(Tag{0x00189082}, {milliseconds})});
  }
  std::string diffusion(double b, std::vector<double> const& along = {}) const {
    auto item = doubles(Tag::b_value, {b});
    if (!along.empty()) item += sequence(Tag{0x00189076}, {doubles(Tag{0x00189089}, along)});
    return sequence(Tag{0x00189117}, {item});
  }
  std::string frame_type(std::string const& type) const {
    return sequence(Tag{0x00189226}, {text_of(Tag{0x00089007}, "CS", type)});
  }
  std::string segment(std::uint32_t number) const {
    return sequence(Tag{0x0062000a}, {shorts(Tag{0x0062000b}, {number})});
  }
  std::string real_world(double slope, double intercept, std::string const& unit) const {
    auto const code =
        text_of(Tag{0x00080100}, "SH", unit) + text_of(Tag{0x00080102}, "SH", "UCUM");
    return sequence(
        Tag{0x00409096},
        {sequence(Tag{0x004008ea}, {code}) + text_of(Tag{0x00409210}, "SH", "map") +
         doubles(Tag{0x00409224}, {intercept}) + doubles(Tag{0x00409225}, {slope})});
  }

  // Of a segmentation.
  std::string described(std::uint32_t number, std::string const& name) const {
    auto const code = text_of(Tag{0x00080100}, "SH", "10200004") +
                      text_of(Tag{0x00080102}, "SH", "SCT") +
                      text_of(Tag{0x00080104}, "LO", name);
    return sequence(Tag{0x00620003}, {code}) + shorts(Tag{0x00620004}, {number}) +
           text_of(Tag{0x00620005}, "LO", name) +
           text_of(Tag{0x00620008}, "CS", "SEMIAUTOMATIC") +
           text_of(Tag{0x00620009}, "LO", "grower") +
           shorts(Tag{0x0062000d}, {41661, 41167, 40792}) + sequence(Tag{0x0062000f}, {code}) +
           text_of(Tag{0x00620020}, "UT", "thing") + text_of(Tag{0x00620021}, "UI", "1.2.7");
  }

 private:
  MadeDicom fresh() const {
    MadeDicom out;
    out.explicit_kinds = explicit_kinds;
    return out;
  }
  std::string numbers(Tag tag,
                      std::string_view kind,
                      std::vector<std::uint32_t> const& values,
                      int bytes) const {
    auto out = fresh();
    out.start(tag, kind,
              static_cast<std::uint32_t>(static_cast<std::size_t>(bytes) * values.size()));
    for (auto const value : values) out.number(value, bytes);
    return out.bytes();
  }
};

/// An object of frames: change what you like before it is written.
struct MadeFrames {
  MadeGroups made{};
  std::string sop_class = "1.2.840.10008.5.1.4.1.1.2.1";  // enhanced CT
  std::string modality = "CT";
  std::string sop = "1.2.3.1";
  std::string series = "1.2.3";
  std::string photometric = "MONOCHROME2";
  std::uint32_t rows = 4, columns = 6, allocated = 16, stored = 12, samples = 1;
  std::string count{};                          // of frames; empty: those below
  std::string shared{};                         // functional groups
  std::vector<std::string> frames{};            // functional groups of each
  std::size_t without_groups = 0;               // frames that have none
  std::map<std::uint32_t, std::string> more{};  // attributes, whole
  std::string pixels{};  // else each frame's values are 100 x frame + place
  Tag pixels_as = Tag::pixels;

  std::size_t frame_count() const { return frames.empty() ? without_groups : frames.size(); }

  std::string bytes() const {
    auto parts = more;
    auto const put = [&](Tag tag, std::string_view kind, std::string const& value) {
      parts[number_of(tag)] = made.text_of(tag, kind, value);
    };
    put(Tag::sop_class, "UI", sop_class);
    put(Tag::sop_instance, "UI", sop);
    put(Tag::study, "UI", "1.2");
    put(Tag::series, "UI", series);
    put(Tag::patient_id, "LO", "P1");
    put(Tag::frame_of_reference, "UI", "1.2.9");
    put(Tag::modality, "CS", modality);
    put(Tag::photometric, "CS", photometric);
    put(Tag::frames, "IS", count.empty() ? std::to_string(frame_count()) : count);
    for (auto const& [tag, value] : {std::pair{Tag::samples, samples},
                                     {Tag::rows, rows},
                                     {Tag::columns, columns},
                                     {Tag::bits_allocated, allocated},
                                     {Tag::signedness, 0U}})
      parts[number_of(tag)] = made.shorts(tag, {value});
    if (samples > 1) parts[number_of(Tag::planar)] = made.shorts(Tag::planar, {0});
    if (pixels_as == Tag::pixels) {
      parts[number_of(Tag::bits_stored)] = made.shorts(Tag::bits_stored, {stored});
      parts[number_of(Tag::high_bit)] = made.shorts(Tag::high_bit, {stored - 1});
    }
    if (!shared.empty()) parts[0x52009229] = made.sequence(Tag{0x52009229}, {shared});
    if (!frames.empty()) parts[0x52009230] = made.sequence(Tag{0x52009230}, frames);
    parts[number_of(pixels_as)] = image();
    std::string dataset;
    for (auto const& [tag, part] : parts) dataset += part;
    return made_file(made.explicit_kinds ? made_explicit : made_implicit, dataset);
  }

 private:
  std::string image() const {
    MadeDicom out;
    out.explicit_kinds = made.explicit_kinds;
    auto words = pixels;
    if (words.empty()) {
      MadeDicom values;
      for (std::size_t frame = 0; frame < frame_count(); ++frame) {
        for (std::size_t i = 0; i < std::size_t{rows} * columns * samples; ++i)
          values.number(100 * frame + i, static_cast<int>(allocated / 8));
      }
      words = values.bytes();
    }
    auto const kind = pixels_as == Tag::float_pixels    ? "OF"
                      : pixels_as == Tag::double_pixels ? "OD"
                                                        : "OW";
    if (words.size() % 2 != 0) words += '\0';
    out.start(pixels_as, kind, static_cast<std::uint32_t>(words.size()));
    out.words(words);
    return out.bytes();
  }
};

}  // namespace fovea
