#include "app/masks.hpp"

#include "base/core/error.hpp"
#include "base/core/progress.hpp"
#include "base/core/words.hpp"
#include "base/geometry/orient.hpp"
#include "base/geometry/same_grid.hpp"
#include "base/io/dicom_seg_read.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace fovea {
namespace {

constexpr std::size_t masks_most_values = 64;

// Empty if the volume is a label map by the rule, else why it is none.
template <class T>
std::string masks_fault(std::span<T const> voxels) {
  constexpr double most = 65535;
  std::set<T> seen;
  auto last = voxels.front();
  seen.insert(last);
  for (auto const voxel : voxels) {
    auto const value = static_cast<double>(voxel);
    if (!(value >= 0 && value <= most) || value != std::floor(value))
      return text("it holds ", value, ", and labels are whole numbers from 0 to 65535");
    if (voxel == last) continue;
    last = voxel;
    seen.insert(voxel);
    if (seen.size() > masks_most_values)
      return text("it holds more than ", masks_most_values, " different values");
  }
  return "";
}

std::string masks_fault(ImageFile const& image) {
  if (image.colour) return "it is in colour";
  return with_type(image.volume.type(), [&](auto zero) {
    return masks_fault<decltype(zero)>(image.volume.as<decltype(zero)>());
  });
}

// Inside is what is more inside than outside.
LabelMap masks_cut(LabelMap const& map) {
  LabelMap out{Volume{map.voxels.grid(), Type::u16, Unit::arbitrary, map.voxels.channels()},
               map.segments};
  constexpr auto half = 0.5F;
  for (auto const& segment : map.segments) {
    auto const value = static_cast<std::uint16_t>(segment.value);
    std::ranges::transform(
        map.voxels.channel<float>(segment.layer),
        out.voxels.write_channel<std::uint16_t>(segment.layer).begin(),
        [&](float share) { return share >= half ? value : std::uint16_t{0}; });
  }
  return out;
}

Content masks_segmentation(FoundVolume const& volume) {
  DicomFile const file{volume.dicom->slices.front().file()};
  auto map = read_dicom_seg(file);
  Content out{.image = image_of(map.voxels),
              .map = {},
              .partial = true,
              .why = "it is a DICOM segmentation",
              .notes = {}};
  out.image.space = volume.placed ? ImageSpace::scanner : ImageSpace::none;
  if (map.fractional) {
    out.notes.emplace_back("a fractional segmentation: inside is where it is at least 0.5");
    map = masks_cut(map);
  }
  out.map = std::move(map);
  return out;
}

}  // namespace

Content content_of(FoundVolume const& volume, TakenAs taken) {
  if (volume.dicom != nullptr && volume.dicom->labels) return masks_segmentation(volume);
  Content out{.image = volume.read(), .map = {}, .partial = false, .why = {}, .notes = {}};
  if (taken == TakenAs::image) {
    out.why = "--image was asked for";
    return out;
  }
  if (taken == TakenAs::labels) {
    out.why = "labels were asked for";
  } else {
    auto const fault = masks_fault(out.image);
    if (!fault.empty()) {
      out.why = fault;
      return out;
    }
    out.why =
        text("it holds at most ", masks_most_values, " different whole numbers, none below 0");
  }
  if (out.image.colour)
    throw Error{Fault::input, "expected a mask of whole numbers, got a picture in colour",
                "save the mask with one number a voxel"};
  out.map = label_map_of(out.image.volume);
  return out;
}

std::vector<FoundVolume> usable_volumes(Found& found,
                                        std::string const& input,
                                        Stop const& stop) {
  auto volumes = volumes_of(found, stop);
  for (auto const& one : found.dicom.damaged) warn(one.words);
  std::erase_if(volumes, [](FoundVolume const& one) {
    if (one.verdict != Verdict::refused) return false;
    warn(text(one.source, ": refused: ", one.reasons.front().code, ": ",
              one.reasons.front().words));
    return true;
  });
  if (volumes.empty())
    throw Error{Fault::input,
                text("there is no volume in ", fs::path{input}, " that can be used"),
                "see fovea inspect"};
  return volumes;
}

std::optional<Volume> cut_to(Volume const& volume, Grid const& grid, bool padded) {
  if (same_places(grid, volume.grid())) return volume;
  auto const code = axis_code(grid);
  auto const turned =
      axis_code(volume.grid()) == code ? volume.grid() : reoriented(volume.grid(), code);
  auto const offset = offset_in(turned, grid);
  if (!offset) return std::nullopt;
  std::array<std::int64_t, 3> before{}, behind{};
  IndexBox box{*offset, grid.size};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    before[axis] = std::max<std::int64_t>(0, -box.first[axis]);
    behind[axis] =
        std::max<std::int64_t>(0, box.first[axis] + box.size[axis] - turned.size[axis]);
    box.first[axis] += before[axis];
  }
  auto const whole = before == decltype(before){} && behind == before;
  if (!whole && !padded) return std::nullopt;
  auto const same_way = axis_code(volume.grid()) == code ? volume : reorient(volume, code);
  return crop(whole ? same_way : pad(same_way, before, behind), box);
}

Json to_json(Point const& point) {
  return Json(point.mm);
}

}  // namespace fovea
