#include "base/core/error.hpp"
#include "base/core/file.hpp"
#include "learn/data/layout.hpp"

#include <algorithm>
#include <fstream>

namespace {

// Images that the set names are not there or made here: what is fuzzed is what surrounds them.
fovea::Volume layout_fuzz_image(std::filesystem::path const&) {
  return fovea::image2d(4, 4, fovea::Type::u8);
}

}  // namespace

/// The first byte chooses a list (CSV) or an npz file. Any bytes: a set whose cases have a
/// label for each class that it names and can be split, or an Error.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace fovea;
  static ScratchFolder const scratch;
  if (size == 0) return 0;
  auto const file = scratch.path() / (data[0] % 2 == 0 ? "list.csv" : "set.npz");
  std::ofstream{file, std::ios::binary}.write(reinterpret_cast<char const*>(data + 1),
                                              static_cast<std::streamsize>(size - 1));
  try {
    auto set = read_dataset(file, {.patient_from = {}, .reader = layout_fuzz_image});
    if (set.masks) return 0;  // masks_fuzz looks at those
    auto const labels = set.multi_label ? set.classes.size() : 1;
    for (auto const& one : set.cases) {
      if (one.labels.size() != labels) __builtin_trap();
      for (auto const label : one.labels)
        if (label < -1 ||
            label >= static_cast<int>(std::max<std::size_t>(2, set.classes.size())))
          __builtin_trap();
    }
    if (!set.cases.empty()) set.image(set.cases.front());
    expect_trainable(set);
    assign_splits(set, 1);
  } catch (Error const& error) {
    if (error.fault() != Fault::input) throw;
  }
  return 0;
}
