#include "base/core/error.hpp"
#include "base/core/zip.hpp"

#include <cstdint>

// Any bytes: members of exactly the size that the directory says, or an Error.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  try {
    fovea::ZipReader const zip{std::as_bytes(std::span{data, size}), "input", 100};
    for (auto const& entry : zip.entries()) {
      try {
        if (zip.read(entry.name, 1 << 20).size() != entry.size) __builtin_trap();
      } catch (fovea::Error const&) {
      }
    }
  } catch (fovea::Error const&) {
  }
  return 0;
}
