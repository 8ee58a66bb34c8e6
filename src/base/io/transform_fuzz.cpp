#include "base/core/refusal.hpp"
#include "base/io/transform.hpp"

#include <cstdint>

// Any bytes as a transform: a map that reads back as itself, or a reason.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  try {
    auto const affine =
        fovea::decode_affine({reinterpret_cast<char const*>(data), size}, "input");
    if (!(fovea::decode_affine(fovea::encode_affine(affine), "again") == affine))
      __builtin_trap();
  } catch (fovea::Refusal const&) {
  }
  return 0;
}
