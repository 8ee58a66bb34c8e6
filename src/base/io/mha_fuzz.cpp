#include "base/io/made/round_trip.hpp"
#include "base/io/mha.hpp"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fovea::fuzz_round_trip(
      std::as_bytes(std::span{data, size}),
      [](std::span<std::byte const> bytes, fovea::ImageLimits const& limits) {
        return fovea::decode_mha(bytes, "input", limits);
      },
      [&](fovea::ImageFile const& image) {
        return fovea::encode_mha(image, {.packed = size % 2 == 0, .level = 1});
      });
  return 0;
}
