#include "base/core/error.hpp"
#include "learn/foreign/checkpoint.hpp"

/// A pickle alone, if the first byte is not a zip's; else an archive, whose weights are read.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace fovea;
  auto const bytes = std::as_bytes(std::span{data, size});
  try {
    if (size > 0 && data[0] != 'P') {
      PickleLimits limits;
      limits.values = 20'000;
      limits.memory = 1U << 20;
      decode_pickle(bytes, "input", size % 2 == 0, limits);
    } else {
      TorchCheckpoint const checkpoint{bytes, "input"};
      checkpoint.weights(checkpoint.state_dict(), 1U << 26);
    }
  } catch (Error const& error) {
    if (error.fault() != Fault::input) throw;
  }
  return 0;
}
