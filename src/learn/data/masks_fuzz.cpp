#include "base/core/error.hpp"
#include "base/core/file.hpp"
#include "learn/data/layout.hpp"

#include <fstream>

namespace {

// What the lists name is made here or not there: what is fuzzed is what surrounds it.
fovea::Volume masks_fuzz_image(std::filesystem::path const& file) {
  auto image = fovea::image2d(8, 6, fovea::Type::u8);
  if (file.string().find("label") != std::string::npos) image.write<std::uint8_t>()[3] = 1;
  return image;
}

}  // namespace

/// The first byte chooses dataset.json (Decathlon, nnU-Net), COCO's annotations, a table of
/// masks, a list of a split or names of labels. Any bytes: a set whose masks can be asked for,
/// or an Error.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace fovea;
  static ScratchFolder const scratch;
  if (size == 0) return 0;
  static constexpr char const* names[] = {"dataset.json", "coco.json", "list.csv", "train.txt",
                                          "labels.txt"};
  auto const which = data[0] % std::size(names);
  auto const root = scratch.path() / names[which] / "set";
  static bool made[std::size(names)] = {};
  if (!made[which]) {
    for (auto const* folder : {"imagesTr", "labelsTr", "images", "labels"}) {
      if ((which >= 3) != (std::string_view{folder}.size() == 6)) continue;
      make_folder(root / folder);
      for (auto const* name : {"a.nii", "a_0000.nii", "b.png"})
        std::ofstream{root / folder / name} << "made up";
    }
    make_folder(root);
    made[which] = true;
  }
  auto const file = root / names[which];
  std::ofstream{file, std::ios::binary}.write(reinterpret_cast<char const*>(data + 1),
                                              static_cast<std::streamsize>(size - 1));
  try {
    auto set = read_dataset(root, {.patient_from = {}, .reader = masks_fuzz_image});
    if (!set.masks) return 0;  // a table of classes
    if (set.labels.empty()) __builtin_trap();
    for (auto const& label : set.labels) {
      if (label.values.empty() || label.values.front() < 1 || label.values.back() > 65535)
        __builtin_trap();
    }
    for (std::size_t i = 0; i < set.cases.size() && i < 3; ++i) {
      try {
        auto const image = set.image(set.cases[i]);
        set.mask(set.cases[i], image.grid());
      } catch (Error const& error) {
        if (error.fault() != Fault::input) throw;
      }
    }
    assign_splits(set, 1);
    expect_trainable(set);
  } catch (Error const& error) {
    if (error.fault() != Fault::input) throw;
  }
  return 0;
}
