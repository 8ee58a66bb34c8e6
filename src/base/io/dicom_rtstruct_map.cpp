#include "base/core/memory.hpp"
#include "base/core/words.hpp"
#include "base/geometry/grids.hpp"
#include "base/geometry/outline.hpp"
#include "base/image/vector3.hpp"
#include "base/io/dicom_rtstruct.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <utility>

// From contours to voxels.
namespace fovea {
namespace {

constexpr std::int64_t rtmap_most = std::numeric_limits<std::uint16_t>::max();

// How often something was met, and in which regions; said once.
class RtMapCount {
 public:
  void add(RtRoi const& roi, std::size_t count = 1) {
    if (count == 0) return;
    count_ += count;
    if (names_.empty() || number_ != roi.number) names_.push_back(roi.name);
    number_ = roi.number;
  }
  std::size_t count() const { return count_; }
  /// "3 contours of liver, spleen"
  std::string words(std::string_view what) const {
    constexpr std::size_t most = 8;
    auto some = names_;
    if (some.size() > most) some.resize(most), some.emplace_back("...");
    return text(count_, " ", what, " of ", joined(some, ", "));
  }

 private:
  std::size_t count_ = 0;
  std::int64_t number_ = 0;
  std::vector<std::string> names_;
};

// Where points of the patient lie on the slices.
class RtMapPlanes {
 public:
  explicit RtMapPlanes(Grid const& grid)
      : to_(index_map(upright({1, 1, 1}, {}), grid)), depth_(grid.size[2]) {
    auto normal = cross(grid.axes[0].mm, grid.axes[1].mm);
    auto const length = length_of(normal);
    for (std::size_t r = 0; r < 3; ++r) {
      normal[r] /= length;
      step_ += normal[r] * grid.axes[2].mm[r];
    }
    // A step along the normal, in voxels: along k by one, and aside where the grid is sheared.
    for (std::size_t r = 0; r < 3; ++r) {
      for (std::size_t c = 0; c < 3; ++c) along_[r] += to_.matrix[r][c] * normal[c] * step_;
    }
  }

  double tolerance() const { return position_tolerance(std::abs(step_)); }
  std::int64_t depth() const { return depth_; }

  /// The slice in whose plane all points lie, and the outline there; a slice may be beyond the
  /// grid. None if they lie between slices or across them; `off` is how far, in mm.
  std::optional<std::int64_t> place(std::vector<Point> const& points,
                                    Outline& outline,
                                    double& off) const {
    constexpr double far = 0x1p30;  // slices
    outline.clear();
    std::optional<double> plane;
    for (auto const& point : points) {
      auto const at = to_({point.mm}).ijk;
      if (!plane) plane = std::round(at[2]);
      auto const away = at[2] - *plane;
      off = std::max(off, std::abs(away * step_));
      outline.push_back({at[0] - away * along_[0], at[1] - away * along_[1]});
    }
    if (!plane || !(std::abs(*plane) < far) || off > tolerance()) return std::nullopt;
    return static_cast<std::int64_t>(*plane);
  }

 private:
  IndexMap to_;
  std::int64_t depth_;
  double step_ = 0;  // between slices along the normal, mm; below 0 where k runs against it
  std::array<double, 3> along_{};
};

class RtMapper {
 public:
  RtMapper(DicomFile const& file,
           RtStructureSet const& set,
           RtTarget const& target,
           RtOptions const& options)
      : set_(set),
        target_(target),
        options_(options),
        points_(file),
        planes_(target.grid),
        fill_(target.grid.size[0], target.grid.size[1]) {
    auto const slices = static_cast<std::size_t>(target.grid.size[2]);
    if (target.images.size() != slices) return;
    for (std::size_t k = 0; k < slices; ++k) slice_of_.emplace(target.images[k], k);
    if (slice_of_.size() != slices) slice_of_.clear();  // frames of one object
  }

  RtMap run() {
    number_rois();
    for (auto const& [roi, value] : values_) add(*roi, value);
    if (off_plane_.count() > 0 && !options_.leave_off_plane)
      throw Refusal{"contour-off-plane", off_plane_words(),
                    "convert onto the series that they were drawn on"};
    if (segments_.empty())
      throw Refusal{"no-contours", "no voxel lies inside a closed contour",
                    "check that the structures belong to this series"};
    say();
    return {{joined_layers(), std::move(segments_)}, std::move(notes_)};
  }

 private:
  // Those of the target's frame of reference, and the values that their voxels get.
  void number_rois() {
    RtMapCount elsewhere;
    std::vector<RtRoi const*> all;
    for (auto const& roi : set_.rois) {
      auto const here = target_.frame_of_reference.empty() ||
                        roi.frame_of_reference == target_.frame_of_reference;
      if (here)
        all.push_back(&roi);
      else
        elsewhere.add(roi);
    }
    if (all.empty() && elsewhere.count() > 0)
      throw Refusal{
          "other-frame-of-reference",
          "the structures lie in another frame of reference than the images, so their "
          "places are not comparable",
          "choose the series that they were drawn on"};
    if (elsewhere.count() > 0)
      notes_.push_back(
          {"other-frame-of-reference", text("left out: regions of another frame of reference: ",
                                            elsewhere.words("regions"))});
    if (target_.frame_of_reference.empty())
      notes_.push_back({"frame-of-reference-unknown",
                        "the image does not say its frame of reference; that of the structures "
                        "is taken to be the same"});
    auto const fits = [](RtRoi const* roi) {
      return roi->number >= 1 && roi->number <= rtmap_most;
    };
    auto const keep = std::ranges::all_of(all, fits);
    if (!keep)
      notes_.push_back({"roi-renumbered",
                        "numbers of regions are not all from 1 to 65535; "
                        "values are counted from 1 instead"});
    if (all.size() > static_cast<std::size_t>(rtmap_most))
      throw Refusal{"too-large", text("expected at most 65535 regions, got ", all.size()),
                    "check that it is the right file"};
    std::int64_t next = 1;
    std::int64_t highest = 0;
    for (auto const* roi : all) {
      values_.emplace_back(roi, keep ? roi->number : next++);
      highest = std::max(highest, values_.back().second);
    }
    type_ = highest <= 255 ? Type::u8 : Type::u16;
  }

  void add(RtRoi const& roi, std::int64_t value) {
    std::map<std::int64_t, std::vector<Outline>> slices;
    for (auto const& contour : roi.contours) {
      if (contour.shape != RtShape::closed) continue;
      auto const points = points_(contour);
      if (points.size() < 3) {
        no_area_.add(roi);
        continue;
      }
      Outline outline;
      double off = 0;
      auto const k = planes_.place(points, outline, off);
      if (!k) {
        off_plane_.add(roi);
        furthest_off_ = std::max(furthest_off_, off);
      } else if (*k < 0 || *k >= planes_.depth()) {
        outside_.add(roi);
      } else {
        check_image(roi, contour, *k);
        slices[*k].push_back(std::move(outline));
      }
    }
    if (!slices.empty()) {
      auto const last = slices.rbegin()->first;
      gaps_.add(roi,
                static_cast<std::size_t>(last - slices.begin()->first + 1) - slices.size());
    }
    paint(roi, value, slices);
  }

  void check_image(RtRoi const& roi, RtContour const& contour, std::int64_t k) {
    auto const said = slice_of_.find(contour.image);
    if (said != slice_of_.end() && static_cast<std::int64_t>(said->second) != k)
      image_differs_.add(roi);
  }

  template <class Use>
  void for_runs(std::map<std::int64_t, std::vector<Outline>> const& slices, Use&& use) {
    auto const [width, height, depth] = target_.grid.size;
    for (auto const& [k, outlines] : slices) {
      for (auto const& one : outlines) fill_.add(one);
      for (auto const& run : fill_.take())
        use(static_cast<std::size_t>((k * height + run.row) * width + run.first),
            static_cast<std::size_t>(run.end - run.first));
    }
  }

  void paint(RtRoi const& roi,
             std::int64_t value,
             std::map<std::int64_t, std::vector<Outline>> const& slices) {
    std::vector<char> free(layers_.size(), 1);
    std::size_t inside = 0;
    for_runs(slices, [&](std::size_t at, std::size_t count) {
      inside += count;
      for (std::size_t layer = 0; layer < layers_.size(); ++layer)
        free[layer] = free[layer] != 0 && empty(layers_[layer], at, count) ? 1 : 0;
    });
    if (inside == 0) return empty_.add(roi);
    auto const layer = static_cast<std::size_t>(std::ranges::find(free, 1) - free.begin());
    if (layer == layers_.size()) add_layer();
    with_type(type_, [&](auto zero) {
      using T = decltype(zero);
      auto const voxels = layers_[layer].template write<T>();
      for_runs(slices, [&](std::size_t at, std::size_t count) {
        std::ranges::fill(voxels.subspan(at, count), static_cast<T>(value));
      });
    });
    segments_.push_back({.layer = static_cast<std::int64_t>(layer),
                         .value = value,
                         .name = roi.name,
                         .type = roi.type,
                         .colour = roi.colour});
    segments_.back().provenance.made_by = roi.made_by;
  }

  static bool empty(Volume const& layer, std::size_t at, std::size_t count) {
    return with_type(layer.type(), [&](auto zero) {
      using T = decltype(zero);
      return std::ranges::all_of(layer.as<T>().subspan(at, count),
                                 [](T value) { return value == 0; });
    });
  }

  // While layers are joined, they are there twice.
  void add_layer() {
    auto const& size = target_.grid.size;
    auto const one = static_cast<double>(size[0]) * static_cast<double>(size[1]) *
                     static_cast<double>(size[2]) * static_cast<double>(bytes_of(type_));
    auto const old = static_cast<double>(layers_.size());
    auto const whole = (old + 1) * one;
    if (whole > static_cast<double>(options_.limits.bytes))
      throw Refusal{"too-large",
                    text("regions that overlap need ", layers_.size() + 1, " layers of ",
                         bytes_in_words(one), " each"),
                    "choose a smaller grid"};
    auto const more = old == 0 ? one : whole + one;
    auto const there = available_memory();
    if (there > 0 && more > static_cast<double>(there))
      throw Error{Fault::resource,
                  text("regions that overlap need ", bytes_in_words(more), " of memory, and ",
                       bytes_in_words(static_cast<double>(there)), " are left"),
                  "close other programs, or choose a smaller grid"};
    layers_.emplace_back(target_.grid, type_);
  }

  Volume joined_layers() {
    if (layers_.size() == 1) return std::move(layers_.front());
    Volume out{target_.grid, type_, Unit::arbitrary, static_cast<std::int64_t>(layers_.size())};
    auto* to = out.bytes().get();
    for (auto& layer : layers_) {
      to = std::copy_n(layer.bytes().get(), layer.byte_count(), to);
      layer = Volume{upright({1, 1, 1}, {}), type_};
    }
    return out;
  }

  std::string off_plane_words() const {
    return text(off_plane_.words("contours"), " lie between the slices or across them, up to ",
                fixed(furthest_off_, 3), " mm off; ", fixed(planes_.tolerance(), 3),
                " mm are taken");
  }

  void say() {
    auto const note = [&](RtMapCount const& count, std::string_view code, std::string words) {
      if (count.count() > 0) notes_.push_back({code, std::move(words)});
    };
    note(off_plane_, "contour-off-plane", "left out: " + off_plane_words());
    note(outside_, "contour-outside",
         "left out: beyond the first or last slice: " + outside_.words("contours"));
    note(no_area_, "contour-no-area",
         "left out: less than three points: " + no_area_.words("contours"));
    note(gaps_, "contour-gap",
         "without a contour, between others that have one: " + gaps_.words("slices"));
    note(image_differs_, "contour-image-differs",
         "drawn on an image that lies elsewhere; their own place is taken: " +
             image_differs_.words("contours"));
    note(empty_, "roi-empty", "nothing inside a closed contour: " + empty_.words("regions"));
  }

  RtStructureSet const& set_;
  RtTarget const& target_;
  RtOptions const& options_;
  RtPoints points_;
  RtMapPlanes planes_;
  OutlineFill fill_;
  std::map<std::string, std::size_t> slice_of_;  // of an image, if each is one
  std::vector<std::pair<RtRoi const*, std::int64_t>> values_;
  Type type_ = Type::u8;
  std::vector<Volume> layers_;
  std::vector<Segment> segments_;
  std::vector<Note> notes_;
  RtMapCount off_plane_, outside_, no_area_, gaps_, image_differs_, empty_;
  double furthest_off_ = 0;
};

}  // namespace

RtMap label_map_of(DicomFile const& file,
                   RtStructureSet const& set,
                   RtTarget const& target,
                   RtOptions const& options) {
  auto out = RtMapper{file, set, target, options}.run();
  check(out.map);
  return out;
}

}  // namespace fovea
