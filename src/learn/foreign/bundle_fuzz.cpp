#include "base/core/error.hpp"
#include "learn/foreign/bundle.hpp"

/// JSON if it begins so, else YAML; then a plan, whatever it names.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace fovea;
  std::string_view const words{reinterpret_cast<char const*>(data), size};
  try {
    auto root =
        words.starts_with('{') ? parse_json(words, "input") : parse_bundle_yaml(words, "input");
    BundleConfig const config{std::move(root), "input"};
    plan_of(config);
  } catch (Error const& error) {
    if (error.fault() != Fault::input) throw;
  }
  return 0;
}
