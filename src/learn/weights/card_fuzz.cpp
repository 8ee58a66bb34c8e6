#include "learn/weights/about.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

/// Whatever a label, a description and a plan say, the card keeps its lines and holds no tag
/// outside of the plan's block.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace fovea;
  std::string const words{reinterpret_cast<char const*>(data), size};
  ModelAbout about;
  about.labels = {{"a", {{"s", "v", "m"}}}};
  auto const plain = model_card(about);
  about.labels = {{words, {{words, words, words}}}};
  about.description = about.name = about.task = words;
  auto const card = model_card(about);
  if (std::ranges::count(card, '\n') != std::ranges::count(plain, '\n')) std::abort();
  if (card.find('<') != std::string::npos || card.find('>') != std::string::npos) std::abort();
  about.provenance.plan = words;
  model_card(about);
  return 0;
}
