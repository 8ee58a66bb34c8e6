#pragma once

#include "base/io/dicom_series.hpp"

#include <unordered_map>

// What the readers of DICOM headers share. Inside base/io only.
namespace fovea {

/// Gives equal heads and turns of slices one place in memory. One thread at a time.
class DicomPool {
 public:
  void share(DicomSlice& slice);

 private:
  std::unordered_map<std::size_t, std::vector<std::shared_ptr<DicomHead const>>> heads_;
  std::unordered_map<std::string_view, std::shared_ptr<std::string const>> turns_;
};

inline constexpr double slice_far = 1e6;  ///< mm; nobody is a kilometre long

/// As many numbers as `count`, none of them beyond a kilometre, or none.
template <std::size_t count>
std::optional<std::array<double, count>> slice_numbers(DicomItem const& item, Tag tag) {
  auto const all = item.numbers(tag);
  if (!all || all->size() != count) return std::nullopt;
  std::array<double, count> out{};
  for (std::size_t i = 0; i < count; ++i) {
    out[i] = (*all)[i];
    if (!(out[i] >= -slice_far && out[i] <= slice_far)) return std::nullopt;
  }
  return out;
}

/// Each attribute as a number or a text, a line for each.
std::string slice_words(DicomItem const& item, std::initializer_list<Tag> tags);
/// Slope, intercept and unit, as an item says; bad ones become head.refusal.
void slice_scaling(DicomItem const& item, DicomHead& head, DicomSlice& slice);
/// Pixel spacing, thickness, distance of slices; bad ones become head.refusal.
void slice_measures(DicomItem const& item, DicomHead& head);

/// Are there functional groups?
bool has_frame_groups(DicomItem const& root);
/// A slice for each frame, by its functional groups. `head` and `slice` hold what all share.
std::vector<DicomSlice> slices_of_groups(DicomFile const& file,
                                         DicomHead const& head,
                                         DicomSlice const& slice);
/// What a frame is, by its functional groups: its type and kernel, its time and diffusion.
std::string kind_of_frame(DicomItem const& root, std::int32_t frame);
DicomMoment moment_of_frame(DicomItem const& root, std::int32_t frame);
/// Of a dose grid.
std::vector<DicomSlice> slices_of_dose(DicomFile const& file,
                                       DicomHead head,
                                       DicomSlice const& slice);

}  // namespace fovea
