#include "base/io/dicom_seg_read.hpp"
#include "base/io/dicom_series.hpp"

#include <cmath>
#include <cstdint>

// Any bytes as an image, twice, the second one moved: volumes with finite places, or reasons.
// Of small segmentations also the voxels.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  try {
    fovea::DicomFile const file{std::as_bytes(std::span{data, size}), "input"};
    auto slices = fovea::slices_of(file, "one");
    auto const frames = slices.size();
    for (std::size_t i = 0; i < frames; ++i) {
      auto other = slices[i];
      other.object = std::make_shared<fovea::DicomInstance>(
          fovea::DicomInstance{.file = "other", .sop = other.sop() + ".1"});
      if (other.position) (*other.position)[2] += 2;
      slices.push_back(std::move(other));
    }
    auto labels = true;
    for (auto const& series :
         fovea::sorted_series(slices, [](auto const&, auto const&) { return true; })) {
      if (series.slices.empty()) __builtin_trap();
      if (series.verdict == fovea::Verdict::refused) {
        if (series.reasons.empty()) __builtin_trap();
        continue;
      }
      for (auto const& axis : series.grid.axes) {
        for (auto const value : axis.mm) {
          if (!std::isfinite(value)) __builtin_trap();
        }
      }
      constexpr double most = 1 << 18;  // voxels
      auto voxels = static_cast<double>(series.fourth);
      for (auto const count : series.grid.size) voxels *= static_cast<double>(count);
      labels = labels && series.labels && voxels <= most;
    }
    if (labels) fovea::read_dicom_seg(file, 1);
  } catch (fovea::Error const&) {
  }
  return 0;
}
