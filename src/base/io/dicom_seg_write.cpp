#include "base/io/dicom_seg_write.hpp"

#include "base/dicom/attributes.hpp"
#include "base/dicom/write.hpp"
#include "base/finding/structures.hpp"
#include "base/io/result_frames.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace fovea {
namespace {

namespace dcm = attribute;

constexpr auto segw_type = dcm::make(0x00620001, "CS");
constexpr auto segw_segments = dcm::make(0x00620002, "SQ");
constexpr auto segw_category = dcm::make(0x00620003, "SQ");
constexpr auto segw_number = dcm::make(0x00620004, "US");
constexpr auto segw_label = dcm::make(0x00620005, "LO");
constexpr auto segw_algorithm = dcm::make(0x00620007, "SQ");
constexpr auto segw_made = dcm::make(0x00620008, "CS");
constexpr auto segw_made_name = dcm::make(0x00620009, "LO");
constexpr auto segw_identification = dcm::make(0x0062000a, "SQ");
constexpr auto segw_referenced = dcm::make(0x0062000b, "US");
constexpr auto segw_colour = dcm::make(0x0062000d, "US");
constexpr auto segw_most = dcm::make(0x0062000e, "US");
constexpr auto segw_property = dcm::make(0x0062000f, "SQ");
constexpr auto segw_fraction = dcm::make(0x00620010, "CS");
constexpr auto segw_modifier = dcm::make(0x00620011, "SQ");
constexpr auto segw_overlap = dcm::make(0x00620013, "CS");
constexpr auto segw_tracking = dcm::make(0x00620020, "UT");
constexpr auto segw_tracking_uid = dcm::make(0x00620021, "UI");
constexpr auto segw_shared = dcm::make(0x52009229, "SQ");
constexpr auto segw_frames = dcm::make(0x52009230, "SQ");
constexpr auto segw_padding = dcm::make(0x00280120, "US");

constexpr std::string_view segw_class = "1.2.840.10008.5.1.4.1.1.66.4";
constexpr std::string_view segw_labels_class = "1.2.840.10008.5.1.4.1.1.66.7";
constexpr double segw_fractions = 255;
Code const segw_background{"125040", "DCM", "Background"};

struct SegwFrame {
  std::size_t segment = 0, k = 0;
};

std::uint8_t segw_fraction_of(float value) {
  if (!(value >= 0 && value <= 1))
    throw Refusal{"bad-fraction", text("expected fractions from 0 to 1, got ", value),
                  "scale them"};
  return static_cast<std::uint8_t>(std::lround(static_cast<double>(value) * segw_fractions));
}

/// Which segments have voxels on which slices, and the bytes of these frames.
class SegwPixels {
 public:
  explicit SegwPixels(LabelMap const& map)
      : map_(map), plane_(static_cast<std::size_t>(map.voxels.width() * map.voxels.height())) {}

  std::vector<SegwFrame> frames() const {
    auto const depth = static_cast<std::size_t>(map_.voxels.depth());
    std::vector<std::vector<char>> there(map_.segments.size(), std::vector<char>(depth));
    for (std::size_t k = 0; k < depth; ++k) {
      for (std::int64_t layer = 0; layer < map_.voxels.channels(); ++layer)
        look(layer, k, there);
    }
    std::vector<SegwFrame> out;
    for (std::size_t segment = 0; segment < there.size(); ++segment) {
      for (std::size_t k = 0; k < depth; ++k) {
        if (there[segment][k] != 0) out.push_back({segment, k});
      }
    }
    // An object has at least one frame: of nothing at all, one that is empty.
    if (out.empty()) out.push_back({0, 0});
    return out;
  }

  /// One bit a voxel, the first in the lowest bit; frames follow each other without a gap.
  Bytes bits(std::vector<SegwFrame> const& frames) const {
    Bytes out((frames.size() * plane_ + 7) / 8);
    std::size_t bit = 0;
    for (auto const& frame : frames) {
      auto const& segment = map_.segments[frame.segment];
      with_plane(segment.layer, frame.k, [&](auto plane) {
        using T = std::remove_cv_t<typename decltype(plane)::element_type>;
        auto const value = static_cast<T>(segment.value);
        for (auto const voxel : plane) {
          if (voxel == value) out[bit / 8] |= std::byte{1} << bit % 8;
          ++bit;
        }
      });
    }
    return out;
  }

  Bytes fractions(std::vector<SegwFrame> const& frames) const {
    Bytes out;
    out.reserve(frames.size() * plane_);
    for (auto const& frame : frames) {
      auto const all = map_.voxels.channel<float>(map_.segments[frame.segment].layer);
      for (auto const value : all.subspan(frame.k * plane_, plane_))
        out.push_back(std::byte{segw_fraction_of(value)});
    }
    return out;
  }

  /// Segment numbers, in one or two bytes.
  Bytes labels(std::vector<std::size_t> const& slices, bool wide) const {
    std::vector<std::uint16_t> number(std::size_t{1} << 16);
    for (std::size_t i = 0; i < map_.segments.size(); ++i)
      number[static_cast<std::size_t>(map_.segments[i].value)] =
          static_cast<std::uint16_t>(i + 1);
    Bytes out;
    out.reserve(slices.size() * plane_ * (wide ? 2 : 1));
    for (auto const k : slices) {
      with_plane(0, k, [&](auto plane) {
        for (auto const voxel : plane) {
          auto const value = number[static_cast<std::size_t>(voxel)];
          out.push_back(static_cast<std::byte>(value & 255U));
          if (wide) out.push_back(static_cast<std::byte>(value >> 8));
        }
      });
    }
    return out;
  }

 private:
  template <class Use>
  void with_plane(std::int64_t layer, std::size_t k, Use const& use) const {
    with_type(map_.voxels.type(), [&](auto zero) {
      using T = decltype(zero);
      use(map_.voxels.channel<T>(layer).subspan(k * plane_, plane_));
    });
  }

  void look(std::int64_t layer, std::size_t k, std::vector<std::vector<char>>& there) const {
    if (map_.fractional) {
      auto const plane = map_.voxels.channel<float>(layer).subspan(k * plane_, plane_);
      auto any = false;
      for (auto const value : plane) any = (segw_fraction_of(value) != 0) || any;
      for (std::size_t i = 0; i < map_.segments.size(); ++i) {
        if (map_.segments[i].layer == layer) there[i][k] = any ? 1 : 0;
      }
      return;
    }
    std::vector<char> seen(std::size_t{1} << 16);
    with_plane(layer, k, [&](auto plane) {
      for (auto const voxel : plane) seen[static_cast<std::size_t>(voxel)] = 1;
    });
    for (std::size_t i = 0; i < map_.segments.size(); ++i) {
      auto const& segment = map_.segments[i];
      if (segment.layer == layer) there[i][k] = seen[static_cast<std::size_t>(segment.value)];
    }
  }

  LabelMap const& map_;
  std::size_t plane_;
};

// sRGB to CIE L*a*b* under D50, in 16 bits (PS3.3 C.10.7.1.1).
std::array<std::int64_t, 3> segw_lab(std::array<std::uint8_t, 3> const& colour) {
  std::array<double, 3> linear{};
  for (std::size_t i = 0; i < 3; ++i) {
    auto const part = colour[i] / 255.0;
    linear[i] = part <= 0.04045 ? part / 12.92 : std::pow((part + 0.055) / 1.055, 2.4);
  }
  // IEC 61966-2-1 and Bradford's adaptation; white's XYZ divides each row.
  constexpr double matrix[3][3] = {{0.4360747, 0.3850649, 0.1430804},
                                   {0.2225045, 0.7168786, 0.0606169},
                                   {0.0139322, 0.0971045, 0.7141733}};
  constexpr double white[3] = {0.96422, 1, 0.82521};
  std::array<double, 3> f{};
  for (std::size_t row = 0; row < 3; ++row) {
    auto const part =
        (matrix[row][0] * linear[0] + matrix[row][1] * linear[1] + matrix[row][2] * linear[2]) /
        white[row];
    f[row] = part > 216.0 / 24389 ? std::cbrt(part) : (24389.0 / 27 * part + 16) / 116;
  }
  auto const bits = [](double value, double least, double most) {
    return std::lround(std::clamp((value - least) / (most - least), 0.0, 1.0) * 65535);
  };
  return {bits(116 * f[1] - 16, 0, 100), bits(500 * (f[0] - f[1]), -128, 127),
          bits(200 * (f[1] - f[2]), -128, 127)};
}

std::string segw_made_by(Provenance const& provenance) {
  constexpr std::string_view names[] = {"MANUAL", "SEMIAUTOMATIC", "AUTOMATIC"};
  return std::string{names[static_cast<std::size_t>(provenance.made_by)]};
}

// With codes, if it had none.
Segment segw_coded(Segment segment) {
  if (!segment.category.empty() && !segment.type.empty()) return segment;
  auto const named = segment_named(segment.name);
  segment.name = named.name;
  segment.category = named.category;
  segment.type = named.type;
  segment.side = named.side;
  segment.site = named.site;
  return segment;
}

DicomData segw_segment(Segment const& bare, std::size_t number) {
  auto const segment = segw_coded(bare);
  DicomData out;
  auto type = item_of(segment.type);
  if (!segment.side.empty()) type.set(segw_modifier, item_of(segment.side));
  out.set(segw_number, number)
      .set(segw_label, segment.name)
      .set(segw_category, item_of(segment.category))
      .set(segw_property, std::move(type))
      .set(segw_made, segw_made_by(segment.provenance));
  if (!segment.site.empty()) out.set(dcm::anatomic_region, item_of(segment.site));
  if (segment.colour) {
    auto const lab = segw_lab(*segment.colour);
    out.set(segw_colour, std::span<std::int64_t const>{lab});
  }
  if (segment.provenance.made_by != MadeBy::person) {
    auto made_by = segment.provenance;
    if (made_by.name.empty()) made_by.name = "unknown";
    out.set(segw_made_name, made_by.name).set(segw_algorithm, algorithm_item(made_by));
  }
  if (!segment.tracking_uid.empty() && !segment.tracking.empty())
    out.set(segw_tracking, segment.tracking).set(segw_tracking_uid, segment.tracking_uid);
  return out;
}

void segw_check(LabelMap const& map, ResultSource const& source, SegWrite const& options) {
  check(map);
  expect_grid_of(source, map.voxels.grid());
  constexpr std::size_t most = 65535;
  if (map.segments.empty())
    throw Refusal{"empty", "nothing is marked in the mask, and no segment is named",
                  "name the structures that were looked for"};
  if (map.segments.size() > most)
    throw Error{Fault::input,
                text("expected at most ", most, " segments, got ", map.segments.size()),
                "write several files"};
  if (options.labels && (map.fractional || map.voxels.channels() > 1))
    throw Error{Fault::usage, "expected one layer of whole numbers for one label a voxel",
                "write segments that overlap, or fractions, as they are"};
}

void segw_image(DicomData& out,
                LabelMap const& map,
                ResultSource const& source,
                SegWrite const& options,
                int bits) {
  auto const kind = options.labels ? "LABELMAP" : map.fractional ? "FRACTIONAL" : "BINARY";
  std::vector<DicomData> segments;
  // Of labels every value is described, also that of no segment, which PixelPaddingValue names.
  if (options.labels)
    segments.push_back(segw_segment({.name = "Background",
                                     .category = segw_background,
                                     .type = segw_background,
                                     .provenance = map.segments.front().provenance},
                                    0));
  for (std::size_t i = 0; i < map.segments.size(); ++i)
    segments.push_back(segw_segment(map.segments[i], i + 1));
  out.set(dcm::image_type, {"DERIVED", "PRIMARY"})
      .set(dcm::content_label, "SEGMENTATION")
      .set(dcm::content_description, options.description)
      .set(dcm::content_creator, options.creator)
      .set(dcm::samples, 1)
      .set(dcm::photometric, "MONOCHROME2")
      .set(dcm::rows, map.voxels.height())
      .set(dcm::columns, map.voxels.width())
      .set(dcm::bits_allocated, bits)
      .set(dcm::bits_stored, bits)
      .set(dcm::high_bit, bits - 1)
      .set(dcm::signedness, 0)
      .set(segw_type, kind)
      .set(segw_overlap, map.voxels.channels() == 1 && !map.fractional ? "NO" : "UNDEFINED")
      .set(segw_segments, std::move(segments));
  if (map.fractional)
    out.set(segw_fraction, options.occupancy ? "OCCUPANCY" : "PROBABILITY")
        .set(segw_most, static_cast<int>(segw_fractions));
  if (options.labels) out.set(segw_padding, 0);
  put_lossy(out, source);
}

std::vector<DicomData> segw_groups(std::vector<SegwFrame> const& frames,
                                   ResultSource const& source,
                                   bool labels) {
  std::vector<DicomData> out;
  for (auto const& frame : frames) {
    auto const segment = static_cast<std::int64_t>(frame.segment + 1);
    auto const place = static_cast<std::int64_t>(frame.k + 1);
    auto const where = labels ? std::vector{place} : std::vector{segment, place};
    auto groups = frame_groups(source, frame.k, {"113076", "DCM", "Segmentation"}, where);
    if (!labels) {
      DicomData identification;
      identification.set(segw_referenced, segment);
      groups.set(segw_identification, std::move(identification));
    }
    out.push_back(std::move(groups));
  }
  return out;
}

// One for each slice that any segment is on.
std::vector<SegwFrame> segw_slices(std::vector<SegwFrame> const& frames) {
  std::vector<std::size_t> all;
  for (auto const& frame : frames) all.push_back(frame.k);
  std::ranges::sort(all);
  all.erase(std::unique(all.begin(), all.end()), all.end());
  std::vector<SegwFrame> out;
  for (auto const k : all) out.push_back({.k = k});
  return out;
}

}  // namespace

DicomData dicom_seg(LabelMap const& map, ResultSource const& source, SegWrite const& options) {
  segw_check(map, source, options);
  auto shared = shared_groups(source);
  SegwPixels const pixels{map};
  auto frames = pixels.frames();
  if (options.labels) frames = segw_slices(frames);
  auto const wide = map.segments.size() > 255;
  auto const bits = options.labels ? (wide ? 16 : 8) : map.fractional ? 8 : 1;
  auto out = result_head(
      source, {.sop_class = std::string{options.labels ? segw_labels_class : segw_class},
               .modality = "SEG",
               .series_description = options.description,
               .series_number = options.series_number,
               .made_by = map.segments.front().provenance});
  out.merge(source.frame_of_reference).merge(result_references(source));
  segw_image(out, map, source, options, bits);
  out.set(dcm::frames, frames.size())
      .set(segw_shared, std::move(shared))
      .set(segw_frames, segw_groups(frames, source, options.labels));
  if (options.labels) {
    std::vector<std::size_t> slices;
    for (auto const& frame : frames) slices.push_back(frame.k);
    out.set(dcm::make(0x7fe00010, wide ? "OW" : "OB"), pixels.labels(slices, wide));
  } else {
    out.set(dcm::make(0x7fe00010, "OB"),
            map.fractional ? pixels.fractions(frames) : pixels.bits(frames));
  }
  std::vector<ResultDimension> dimensions;
  if (!options.labels)
    dimensions.push_back({segw_referenced, segw_identification, "ReferencedSegmentNumber"});
  dimensions.push_back(position_dimension);
  out.merge(result_dimensions(dimensions, hash_of(out)));
  identify(out);
  return out;
}

}  // namespace fovea
