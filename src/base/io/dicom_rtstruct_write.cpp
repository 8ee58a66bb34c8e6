#include "base/io/dicom_rtstruct_write.hpp"

#include "base/core/words.hpp"
#include "base/dicom/attributes.hpp"
#include "base/dicom/write.hpp"
#include "base/geometry/marked.hpp"
#include "base/geometry/outline.hpp"
#include "base/io/dicom_rtstruct.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <set>
#include <utility>

namespace fovea {
namespace {

namespace dcm = attribute;

constexpr auto rtwrite_label = dcm::make(0x30060002, "SH");
constexpr auto rtwrite_date = dcm::make(0x30060008, "DA");
constexpr auto rtwrite_time = dcm::make(0x30060009, "TM");
constexpr auto rtwrite_frames = dcm::make(0x30060010, "SQ");
constexpr auto rtwrite_studies = dcm::make(0x30060012, "SQ");
constexpr auto rtwrite_series = dcm::make(0x30060014, "SQ");
constexpr auto rtwrite_images = dcm::make(0x30060016, "SQ");
constexpr auto rtwrite_rois = dcm::make(0x30060020, "SQ");
constexpr auto rtwrite_number = dcm::make(0x30060022, "IS");
constexpr auto rtwrite_roi_frame = dcm::make(0x30060024, "UI");
constexpr auto rtwrite_name = dcm::make(0x30060026, "LO");
constexpr auto rtwrite_colour = dcm::make(0x3006002a, "IS");
constexpr auto rtwrite_volume = dcm::make(0x3006002c, "DS");
constexpr auto rtwrite_made_by = dcm::make(0x30060036, "CS");
constexpr auto rtwrite_algorithm = dcm::make(0x30060037, "SQ");
constexpr auto rtwrite_roi_contours = dcm::make(0x30060039, "SQ");
constexpr auto rtwrite_contours = dcm::make(0x30060040, "SQ");
constexpr auto rtwrite_shape = dcm::make(0x30060042, "CS");
constexpr auto rtwrite_points = dcm::make(0x30060046, "IS");
constexpr auto rtwrite_contour_number = dcm::make(0x30060048, "IS");
constexpr auto rtwrite_data = dcm::make(0x30060050, "DS");
constexpr auto rtwrite_observations = dcm::make(0x30060080, "SQ");
constexpr auto rtwrite_observation = dcm::make(0x30060082, "IS");
constexpr auto rtwrite_of_roi = dcm::make(0x30060084, "IS");
constexpr auto rtwrite_identification = dcm::make(0x30060086, "SQ");
constexpr auto rtwrite_kind = dcm::make(0x300600a4, "CS");
constexpr auto rtwrite_interpreter = dcm::make(0x300600a6, "PN");
constexpr auto rtwrite_approval = dcm::make(0x300e0002, "CS");
constexpr auto rtwrite_operators = dcm::make(0x00081070, "PN");

// Apart for most eyes (Okabe and Ito 2008), for segments without a colour of their own.
constexpr std::array<std::uint8_t, 3> rtwrite_colours[] = {
    {230, 159, 0}, {86, 180, 233}, {0, 158, 115},  {240, 228, 66},
    {0, 114, 178}, {213, 94, 0},   {204, 121, 167}};

std::string_view rtwrite_maker(MadeBy made_by) {
  constexpr std::string_view names[] = {"MANUAL", "SEMIAUTOMATIC", "AUTOMATIC"};
  return names[static_cast<std::size_t>(made_by)];
}

// Whether a lesion is a target of treatment is not said here: that is a person's to decide.
bool rtwrite_is_anatomy(Code const& category) {
  return category.scheme == "SCT" &&
         (category.value == "91723000" || category.value == "123037004");
}

/// The outlines of all values of a layer, slice by slice, in millimetres.
class RtWriteLayer {
 public:
  struct Contour {
    std::int64_t value = 0, k = 0;
    Outline outline;
  };

  RtWriteLayer(Volume const& voxels, std::int64_t layer)
      : voxels_(voxels), layer_(layer), boxes_(std::size_t{1} << 16) {}

  template <class Use>
  void each(Use&& use) {
    for (std::int64_t k = 0; k < voxels_.depth(); ++k)
      with_type(voxels_.type(), [&](auto zero) { slice<decltype(zero)>(k, use); });
  }

 private:
  struct Box {
    std::int64_t first_i = std::numeric_limits<std::int64_t>::max(), first_j = 0, last_i = -1,
                 last_j = -1;
  };

  template <class T, class Use>
  void slice(std::int64_t k, Use&& use) {
    auto const width = voxels_.width();
    auto const height = voxels_.height();
    auto const plane = static_cast<std::size_t>(width * height);
    auto const all =
        voxels_.channel<T>(layer_).subspan(static_cast<std::size_t>(k) * plane, plane);
    std::set<std::size_t> there;
    for (std::int64_t j = 0; j < height; ++j) {
      for (std::int64_t i = 0; i < width; ++i) {
        auto const raw = all[static_cast<std::size_t>(j * width + i)];
        if (raw == 0) continue;
        auto const value = static_cast<std::size_t>(raw);
        auto& box = boxes_[value];
        if (box.last_j < 0) {
          box.first_j = j;
          there.insert(value);
        }
        box.first_i = std::min(box.first_i, i);
        box.last_i = std::max(box.last_i, i);
        box.last_j = j;
      }
    }
    for (auto const value : there) {
      auto const box = std::exchange(boxes_[value], {});
      auto const across = box.last_i - box.first_i + 1;
      std::vector<std::uint8_t> mask;
      for (auto j = box.first_j; j <= box.last_j; ++j) {
        for (auto i = box.first_i; i <= box.last_i; ++i)
          mask.push_back(
              static_cast<std::size_t>(all[static_cast<std::size_t>(j * width + i)]) == value
                  ? 1
                  : 0);
      }
      for (auto& outline : outlines_of(mask, across)) {
        for (auto& point : outline) {
          point[0] += static_cast<double>(box.first_i);
          point[1] += static_cast<double>(box.first_j);
        }
        use(Contour{static_cast<std::int64_t>(value), k, std::move(outline)});
      }
    }
  }

  Volume const& voxels_;
  std::int64_t layer_;
  std::vector<Box> boxes_;  // of each value in a slice
};

double rtwrite_area(Outline const& outline) {
  double twice = 0;
  for (std::size_t i = 0; i < outline.size(); ++i) {
    auto const& a = outline[i];
    auto const& b = outline[(i + 1) % outline.size()];
    twice += a[0] * b[1] - b[0] * a[1];
  }
  return std::abs(twice) / 2;
}

class RtWriter {
 public:
  RtWriter(LabelMap const& map, ResultSource const& source, RtWrite const& options)
      : map_(map), source_(source), options_(options), regions_(map.segments.size()) {
    std::set<std::int64_t> values;
    for (auto const& segment : map.segments) values.insert(segment.value);
    auto const keep = values.size() == map.segments.size();
    for (std::size_t n = 0; n < regions_.size(); ++n)
      regions_[n].number = keep ? map.segments[n].value : static_cast<std::int64_t>(n + 1);
  }

  DicomData run() {
    draw();
    auto out = result_head(source_, {.sop_class = std::string{rtstruct_class},
                                     .modality = "RTSTRUCT",
                                     .series_description = options_.description,
                                     .series_number = options_.series_number,
                                     .made_by = maker()});
    // The kind of object has dates of its own instead.
    out.erase(dcm::content_date);
    out.erase(dcm::content_time);
    out.merge(source_.frame_of_reference)
        .set(rtwrite_operators)
        .set(rtwrite_label, options_.label)
        .set(rtwrite_date, source_.date)
        .set(rtwrite_time, source_.time)
        .set(rtwrite_frames, references())
        .set(rtwrite_approval, "UNAPPROVED");
    std::vector<DicomData> rois, contours, observations;
    for (std::size_t n = 0; n < regions_.size(); ++n) {
      rois.push_back(roi(n));
      contours.push_back(contours_of(n));
      observations.push_back(observation(n));
    }
    out.set(rtwrite_rois, std::move(rois))
        .set(rtwrite_roi_contours, std::move(contours))
        .set(rtwrite_observations, std::move(observations));
    identify(out);
    return out;
  }

 private:
  struct Region {
    std::int64_t number = 0;
    double voxels = 0;
    std::vector<DicomData> contours{};
  };

  Provenance maker() const { return map_.segments.front().provenance; }

  void draw() {
    for (std::int64_t layer = 0; layer < map_.voxels.channels(); ++layer) {
      RtWriteLayer{map_.voxels, layer}.each([&](RtWriteLayer::Contour const& contour) {
        for (std::size_t n = 0; n < regions_.size(); ++n) {
          auto const& segment = map_.segments[n];
          if (segment.layer == layer && segment.value == contour.value)
            add(regions_[n], contour);
        }
      });
    }
  }

  void add(Region& region, RtWriteLayer::Contour const& contour) const {
    constexpr double fine = 1e6;  // a millimetre's parts: short numbers, far below any voxel
    std::vector<double> numbers;
    for (auto const& [i, j] : contour.outline) {
      for (auto const mm : source_.grid.point_of({{i, j, static_cast<double>(contour.k)}}).mm)
        numbers.push_back(std::round(mm * fine) / fine);
    }
    region.voxels += rtwrite_area(contour.outline);
    DicomData item;
    item.set(rtwrite_images, item_of(source_.images[static_cast<std::size_t>(contour.k)]))
        .set(rtwrite_shape, "CLOSED_PLANAR")
        .set(rtwrite_points, contour.outline.size())
        .set(rtwrite_contour_number, region.contours.size() + 1)
        .set(rtwrite_data, std::span<double const>{numbers});
    region.contours.push_back(std::move(item));
  }

  DicomData references() const {
    std::vector<DicomData> images;
    std::set<std::string> seen;
    for (auto image : source_.images) {
      if (!seen.insert(image.sop).second) continue;
      image.frame = 0;  // of an object of many frames: all of them
      images.push_back(item_of(image));
    }
    DicomData series;
    series.copy(dcm::series, source_.series).set(rtwrite_images, std::move(images));
    DicomData study;
    study
        .set(dcm::referenced_sop_class, "1.2.840.10008.3.1.2.3.1")  // detached study management
        .copy(dcm::referenced_sop_instance, source_.study)
        .set(rtwrite_series, std::move(series));
    DicomData out;
    out.copy(dcm::frame_of_reference, frame()).set(rtwrite_studies, std::move(study));
    return out;
  }

  std::string frame() const { return source_.frame_of_reference.text(dcm::frame_of_reference); }

  DicomData roi(std::size_t n) const {
    auto const& segment = map_.segments[n];
    auto const& by = segment.provenance;
    constexpr double millilitre = 1000;  // mm^3
    DicomData out;
    out.set(rtwrite_number, regions_[n].number)
        .copy(rtwrite_roi_frame, frame())
        .set(rtwrite_name, segment.name)
        .set(rtwrite_volume, regions_[n].voxels * voxel_mm3(source_.grid) / millilitre)
        .set(rtwrite_made_by, rtwrite_maker(by.made_by));
    if (by.made_by != MadeBy::person && !by.name.empty())
      out.set(rtwrite_algorithm, algorithm_item(by));
    return out;
  }

  DicomData contours_of(std::size_t n) {
    auto const& colour =
        map_.segments[n].colour.value_or(rtwrite_colours[n % std::size(rtwrite_colours)]);
    std::array<std::int64_t, 3> const parts{colour[0], colour[1], colour[2]};
    DicomData out;
    out.set(rtwrite_colour, std::span<std::int64_t const>{parts})
        .set(rtwrite_of_roi, regions_[n].number);
    if (!regions_[n].contours.empty())
      out.set(rtwrite_contours, std::move(regions_[n].contours));
    return out;
  }

  DicomData observation(std::size_t n) const {
    auto const& segment = map_.segments[n];
    DicomData out;
    out.set(rtwrite_observation, static_cast<std::int64_t>(n + 1))
        .set(rtwrite_of_roi, regions_[n].number)
        .set(rtwrite_kind, rtwrite_is_anatomy(segment.category) ? "ORGAN" : "")
        .set(rtwrite_interpreter);
    if (!segment.type.empty()) out.set(rtwrite_identification, item_of(segment.type));
    return out;
  }

  LabelMap const& map_;
  ResultSource const& source_;
  RtWrite const& options_;
  std::vector<Region> regions_;
};

}  // namespace

DicomData dicom_rtstruct(LabelMap const& map,
                         ResultSource const& source,
                         RtWrite const& options) {
  check(map);
  if (map.fractional)
    throw Refusal{"fractional", "contours cannot say fractions",
                  "make a mask of it first, or write a segmentation"};
  if (map.segments.empty())
    throw Refusal{"empty", "the label map has no segments", "pass a mask with voxels above 0"};
  expect_grid_of(source, map.voxels.grid());
  if (source.frame_of_reference.elements().empty())
    throw Refusal{"no-frame-of-reference",
                  "the source does not name its frame of reference, so places mean nothing "
                  "outside of it",
                  "choose another series"};
  return RtWriter{map, source, options}.run();
}

}  // namespace fovea
