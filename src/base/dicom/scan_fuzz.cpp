#include "base/dicom/pixels.hpp"

#include <cstdint>

// Any bytes: a list whose places lie in the bytes that are there, or an Error.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  try {
    auto const scan = fovea::scan_dicom(std::as_bytes(std::span{data, size}));
    auto const& all = scan.elements();
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i].end <= i || all[i].end > all.size() || all[i].depth > 64) __builtin_trap();
      if (!scan.syntax().deflated && (all[i].at > size || all[i].length > size - all[i].at))
        __builtin_trap();
      if (all[i].kept != 0 && scan.value(all[i]).size() != all[i].length) __builtin_trap();
    }
    for (auto const& part : scan.pixels().fragments) {
      if (!scan.syntax().deflated && part.at + part.length > size) __builtin_trap();
    }
    for (auto const tag : {fovea::Tag::position, fovea::Tag::rows, fovea::Tag::image_type}) {
      scan.root().numbers(tag);
      scan.root().texts(tag);
      scan.root().items(tag);
    }
  } catch (fovea::Error const&) {
  }
  return 0;
}
