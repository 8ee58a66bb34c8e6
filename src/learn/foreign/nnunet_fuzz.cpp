#include "base/core/error.hpp"
#include "learn/foreign/nnunet.hpp"

#include <cstdlib>

/// dataset.json of a model: labels or an error. (plans.json is read by learn/recipe.)
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace fovea;
  std::string_view const words{reinterpret_cast<char const*>(data), size};
  try {
    auto const dataset = nnunet_dataset(parse_json(words, "input"), "input");
    if (dataset.outputs() < 1 || dataset.channels.empty()) std::abort();
  } catch (Error const& error) {
    if (error.fault() != Fault::input) throw;
  }
  return 0;
}
