#include "base/io/npy.hpp"

#include <cstdint>

// Any bytes: an array that can be written and read back, or an Error.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  try {
    auto const array =
        fovea::decode_npy(std::as_bytes(std::span{data, size}), "input", 1 << 20);
    auto const again = fovea::decode_npy(fovea::encode_npy(array), "written", 1 << 24);
    if (again.shape != array.shape || again.type != array.type) __builtin_trap();
  } catch (fovea::Error const&) {
  }
  return 0;
}
