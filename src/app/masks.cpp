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
  LabelMap out{Volume{map.voxels.grid(), Type::u8, Unit::one, map.voxels.channels()},
               map.segments};
  constexpr auto half = 0.5F;
  std::ranges::transform(
      map.voxels.as<float>(), out.voxels.write<std::uint8_t>().begin(),
      [](float share) { return share >= half ? std::uint8_t{1} : std::uint8_t{0}; });
  for (auto& segment : out.segments) segment.value = 1;
  return out;
}

Content masks_segmentation(FoundVolume const& volume) {
  DicomFile const file{volume.dicom->slices.front().file()};
  auto map = read_dicom_seg(file);
  Content out{.image = image_of(map.voxels),
              .map = {},
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
  Content out{.image = volume.read(), .map = {}, .why = {}, .notes = {}};
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
    throw Error{Fault::input, text("there is no volume to measure in ", fs::path{input}),
                "see fovea inspect"};
  return volumes;
}

Volume turned_to(Volume const& volume, Grid const& grid) {
  if (same_places(grid, volume.grid())) return volume;
  auto const code = axis_code(grid);
  if (axis_code(volume.grid()) == code) return volume;
  auto const there = reoriented(volume.grid(), code);
  return same_places(grid, there) ? reorient(volume, code) : volume;
}

Json to_json(Point const& point) {
  return Json(point.mm);
}

}  // namespace fovea
