#include "base/core/error.hpp"
#include "base/core/file.hpp"
#include "learn/data/coco_masks.hpp"
#include "learn/data/layout_csv_masks.hpp"
#include "learn/data/layout_nnunet.hpp"
#include "learn/data/layout_pairs.hpp"

#include <fstream>

namespace {

using namespace fovea;

// What the lists name is made here or not there: what is fuzzed is what surrounds it.
Volume masks_fuzz_image(fs::path const& file) {
  auto image = image2d(8, 6, Type::u8);
  if (file.string().find("label") != std::string::npos) image.write<std::uint8_t>()[3] = 1;
  return image;
}

// A file that says what the files beside it are.
struct MasksFuzzForm {
  char const* file;
  std::optional<Dataset> (*read)(fs::path const&,
                                 ReadOptions const&,
                                 std::vector<std::string>&);
  std::vector<char const*> folders;
};

void masks_fuzz_set(MasksFuzzForm const& form, std::string_view words) {
  static ScratchFolder const scratch;
  auto const root = scratch.path() / form.file / "set";
  if (!fs::exists(root)) {
    make_folder(root);
    for (auto const* folder : form.folders) {
      make_folder(root / folder);
      for (auto const* name : {"a.nii", "a_0000.nii", "b.png"})
        std::ofstream{root / folder / name} << "made up";
    }
  }
  std::ofstream{root / form.file, std::ios::binary} << words;
  std::vector<std::string> nearly;
  auto set = form.read(root, {.patient_from = {}, .reader = masks_fuzz_image}, nearly);
  if (!set) return;
  if (!set->masks || set->labels.empty()) __builtin_trap();
  for (auto const& label : set->labels) {
    if (label.values.empty() || label.values.front() < 1 || label.values.back() > 65535)
      __builtin_trap();
  }
  for (std::size_t i = 0; i < set->cases.size() && i < 3; ++i) {
    try {
      auto const image = set->image(set->cases[i]);
      set->mask(set->cases[i], image.grid());
    } catch (Error const& error) {
      if (error.fault() != Fault::input) throw;
    }
  }
  assign_splits(*set, 1);
  expect_trainable(*set);
}

void masks_fuzz_coco(std::string_view words) {
  auto const set = parse_coco(parse_json(words, "coco.json"), "coco.json");
  for (auto const& image : set.images) {
    if (image.width * image.height > 10'000) continue;
    auto const drawn = draw_coco(image, image2d(image.width, image.height, Type::u8).grid());
    if (drawn.voxels() != image.width * image.height) __builtin_trap();
  }
}

}  // namespace

/// The first byte chooses dataset.json (Decathlon, nnU-Net), COCO's annotations, a table of
/// masks, a list of a split or names of labels. Any bytes: a set whose masks can be asked for,
/// or an Error.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  static std::vector<MasksFuzzForm> const forms = {
      {"dataset.json", read_nnunet_layout, {"imagesTr", "labelsTr"}},
      {"list.csv", read_csv_masks_layout, {"imagesTr", "labelsTr"}},
      {"train.txt", read_pairs_layout, {"images", "labels"}},
      {"labels.txt", read_pairs_layout, {"images", "labels"}}};
  if (size == 0) return 0;
  std::string const words{reinterpret_cast<char const*>(data + 1), size - 1};
  auto const which = data[0] % (forms.size() + 1);
  try {
    if (which == 1) {
      masks_fuzz_coco(words);
    } else {
      masks_fuzz_set(forms[which == 0 ? 0 : which - 1], words);
    }
  } catch (Error const& error) {
    if (error.fault() != Fault::input) throw;
  }
  return 0;
}
