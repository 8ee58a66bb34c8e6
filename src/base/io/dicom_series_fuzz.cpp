#include "base/io/dicom_series.hpp"

#include <cmath>
#include <cstdint>

// Any bytes as an image, twice, the second one moved: volumes with finite places, or reasons.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  try {
    fovea::DicomFile const file{std::as_bytes(std::span{data, size}), "input"};
    auto const one = fovea::slice_of(file, "one");
    auto other = one;
    other.file = "other";
    other.sop += ".1";
    if (other.position) (*other.position)[2] += 2;
    for (auto const& series :
         fovea::sorted_series({one, other}, [](auto const&, auto const&) { return true; })) {
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
    }
  } catch (fovea::Error const&) {
  }
  return 0;
}
