#include "base/core/words.hpp"
#include "base/dicom/charset.hpp"

#include <cstdint>

namespace {

bool is_utf8(std::string const& words) {
  auto const again = fovea::decoded(words, fovea::vr("LT"), fovea::Charset{{"ISO_IR 192"}});
  return again.notes.empty();
}

}  // namespace

// First line: kind and terms; then any bytes of a value: valid UTF-8, at least a character for
// every four bytes.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const all{reinterpret_cast<char const*>(data), size};
  auto const line = all.substr(0, all.find('\n'));
  if (line.size() < 2 || line.size() == size) return 0;
  char const kind[3] = {line[0], line[1], 0};
  fovea::Charset const charset{fovea::split(line.substr(2), '\\')};
  auto const got = fovea::decoded(all.substr(line.size() + 1), fovea::vr(kind), charset);
  if (got.values.empty() || got.notes.size() > 3) __builtin_trap();
  for (auto const& value : got.values) {
    if (!is_utf8(value)) __builtin_trap();
  }
  return 0;
}
