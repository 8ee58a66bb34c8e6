#include "base/core/error.hpp"
#include "base/core/yaml.hpp"

#include <cstdint>

// Any bytes: lines whose values can be taken as lists or not, or an Error.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  try {
    for (auto const& line :
         fovea::parse_yaml({reinterpret_cast<char const*>(data), size}, "input")) {
      try {
        fovea::yaml_list(line.value);
      } catch (fovea::Error const&) {
      }
    }
  } catch (fovea::Error const&) {
  }
  return 0;
}
