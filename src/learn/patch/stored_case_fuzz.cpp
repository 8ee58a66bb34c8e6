#include "base/core/error.hpp"
#include "learn/patch/case_table.hpp"

#include <cstring>

namespace {

// Whoever wants can sign what he changed, and behind the signature is all that is worth
// fuzzing.
void stored_case_fuzz_sign(fovea::Bytes& bytes) {
  auto const hash = fovea::case_signature(bytes, "input");
  std::memcpy(bytes.data() + bytes.size() - 16 - hash.size(), hash.data(), hash.size());
}

}  // namespace

/// A file that is opened can be read in boxes and in places, whatever it says of itself.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace fovea;
  auto const given = std::as_bytes(std::span{data, size});
  Bytes bytes{given.begin(), given.end()};
  try {
    stored_case_fuzz_sign(bytes);
    StoredCase const found{std::make_shared<Bytes const>(std::move(bytes)), "input"};
    constexpr std::int64_t edge = 12;
    std::vector<float> image(edge * edge * edge);
    std::vector<std::int16_t> labels(image.size());
    for (std::size_t n = 0; n <= found.classes().size(); ++n) {
      auto const places = found.places(n);
      Kji middle{};
      if (places > 0) middle = found.place(n, places - 1);
      PatchBox const box{{middle[0] - 6, middle[1] - 6, middle[2] - 6}, {edge, edge, edge}};
      if (found.channels() > 0) found.read_channel(found.channels() - 1, box, image);
      found.read_labels(box, labels);
    }
  } catch (Error const& error) {
    if (error.fault() != Fault::input) throw;
  }
  return 0;
}
