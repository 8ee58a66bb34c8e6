#include "base/core/error.hpp"
#include "learn/weights/about.hpp"
#include "learn/weights/container.hpp"

#include <cstdlib>

namespace {

// A mutated zip hardly ever keeps its hashes, so the members are fuzzed on their own too.
void package_fuzz_about(std::string_view words) {
  using namespace fovea;
  auto const about = about_from(parse_json(words, "package.json"), "package.json");
  auto const json = to_json(about);
  if (to_json(about_from(json, "written")) != json) std::abort();
  model_card(about);
  monai_metadata(about).dump();
}

}  // namespace

/// The first byte chooses: a whole package, or package.json alone.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace fovea;
  if (size == 0) return 0;
  auto const bytes = std::as_bytes(std::span{data, size}.subspan(1));
  try {
    if (data[0] % 2 == 0) {
      Container const package{bytes, "input"};
      for (auto const& name : package.names()) package.read(name, 1 << 20);
      if (package.has("package.json")) package_fuzz_about(package.read_words("package.json"));
    } else {
      package_fuzz_about({reinterpret_cast<char const*>(bytes.data()), bytes.size()});
    }
  } catch (Error const& error) {
    if (error.fault() != Fault::input) throw;
  }
  return 0;
}
