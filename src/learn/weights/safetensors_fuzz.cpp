#include "base/core/error.hpp"
#include "learn/weights/safetensors.hpp"

#include <algorithm>
#include <cstdlib>

/// What was read can be turned into floats, and written and read again as the same arrays.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace fovea;
  auto const bytes = std::as_bytes(std::span{data, size});
  try {
    auto const file = decode_safetensors({bytes.begin(), bytes.end()}, "input");
    for (auto const& blob : file.blobs) {
      std::vector<float> values(static_cast<std::size_t>(blob.count()));
      to_floats(blob, values);
    }
    auto const again =
        decode_safetensors(encode_safetensors(file.blobs, file.notes), "written");
    for (auto const& blob : file.blobs) {
      auto const* found = again.find(blob.name);
      if (found == nullptr || found->shape != blob.shape ||
          !std::ranges::equal(found->bytes, blob.bytes))
        std::abort();
    }
  } catch (Error const& error) {
    if (error.fault() != Fault::input) throw;
  }
  return 0;
}
