#include "base/core/error.hpp"
#include "base/core/json.hpp"

#include <cstdint>

// Any bytes: a value, which prints and reads back, or an Error.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  try {
    auto const json = fovea::parse_json({reinterpret_cast<char const*>(data), size}, "input");
    if (fovea::parse_json(fovea::pretty(json), "printed") != json) __builtin_trap();
  } catch (fovea::Error const&) {
  }
  return 0;
}
