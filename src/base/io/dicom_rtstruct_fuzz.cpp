#include "base/io/dicom_rtstruct.hpp"

#include <cstdint>

// Any bytes as structures on a small sheared grid: a label map as its type says, or a reason.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  try {
    fovea::DicomFile const file{std::as_bytes(std::span{data, size}), "input"};
    auto const set = fovea::read_rtstruct(file);
    auto grid = fovea::upright({8, 6, 5}, {{0.75, 0.5, 2.5}}, {{-10, -20, 30}});
    grid.axes[2].mm[1] = 0.25;
    auto const out =
        fovea::label_map_of(file, set, {.grid = grid, .frame_of_reference = {}, .images = {}},
                            {.leave_off_plane = true, .limits = {.bytes = 1U << 20}});
    if (out.map.segments.empty()) __builtin_trap();
  } catch (fovea::Error const&) {
  }
  return 0;
}
