#include "learn/data/layout_pairs.hpp"

#include "base/core/words.hpp"
#include "learn/data/layout_masks.hpp"
#include "learn/data/layout_parts.hpp"

#include <algorithm>
#include <set>

namespace fovea {
namespace {

constexpr std::string_view pairs_image_words[] = {"images", "image", "imgs", "img"};
constexpr std::string_view pairs_mask_words[] = {
    "labels",        "label",        "masks",       "mask",         "annotations",
    "segmentations", "segmentation", "groundtruth", "ground_truth", "gt"};
// What a mask's name may have behind that of its image.
constexpr std::string_view pairs_tails[] = {
    "_mask", "-mask", "_masks", "_label", "_labels",       "-label",
    "_seg",  "-seg",  "_gt",    "-gt",    "_segmentation", "-segmentation"};

// One folder of images beside one of masks.
struct PairsFolders {
  Split split = Split::unassigned;
  std::string above;  // before the names of cases: "train/"
  fs::path images, masks;
};

template <std::size_t n>
fs::path pairs_named(std::vector<fs::path> const& folders, std::string_view const (&words)[n]) {
  for (auto const word : words) {
    for (auto const& folder : folders) {
      if (lower(folder.filename().string()) == word) return folder;
    }
  }
  return {};
}

// train, val, test below both.
std::vector<PairsFolders> pairs_splits_below(fs::path const& images, fs::path const& masks) {
  std::vector<PairsFolders> out;
  for (auto const& inner : view_of(images).folders) {
    auto const name = inner.filename().string();
    auto const split = split_named(name);
    std::error_code ignored;
    if (split && fs::is_directory(masks / name, ignored))
      out.push_back({*split, name + "/", inner, masks / name});
  }
  return out;
}

std::vector<PairsFolders> pairs_folders(fs::path const& root,
                                        std::vector<std::string>& nearly) {
  auto const view = view_of(root);
  std::vector<PairsFolders> out;
  auto const add = [&](fs::path const& folder, Split split, std::string const& above) {
    auto const inner = folder == root ? view : view_of(folder);
    auto const images = pairs_named(inner.folders, pairs_image_words);
    auto const masks = pairs_named(inner.folders, pairs_mask_words);
    if (images.empty() != masks.empty())
      nearly.push_back(text((images.empty() ? masks : images).lexically_relative(root).string(),
                            " without a folder of ", images.empty() ? "images" : "masks",
                            " beside it (", images.empty() ? "images" : "labels", ")"));
    if (images.empty() || masks.empty()) return;
    auto below = pairs_splits_below(images, masks);
    if (below.empty()) below.push_back({split, above, images, masks});
    out.insert(out.end(), below.begin(), below.end());
  };
  add(root, Split::unassigned, "");
  for (auto const& folder : view.folders) {
    auto const name = folder.filename().string();
    if (auto const split = split_named(name)) add(folder, *split, name + "/");
  }
  return out;
}

// The mask of an image: of its name, or of its name with a tail.
ImagesByStem::const_iterator pairs_mask_of(ImagesByStem const& masks, std::string const& stem) {
  auto found = masks.find(stem);
  for (auto const tail : pairs_tails) {
    if (found != masks.end()) break;
    found = masks.find(stem + std::string{tail});
  }
  return found;
}

void pairs_add(Dataset& set, PairsFolders const& folders, MasksLeftOut& left) {
  auto const images = images_in(folders.images, left.twice);
  auto const masks = images_in(folders.masks, left.twice);
  std::set<std::string> used;
  for (auto const& [stem, file] : images) {
    auto const mask = pairs_mask_of(masks, stem);
    if (mask == masks.end()) {
      left.no_mask.push_back(folders.above + stem);
      continue;
    }
    used.insert(mask->first);
    set.cases.push_back({.id = folders.above + stem,
                         .split = folders.split,
                         .image = {.file = file},
                         .mask = {.file = mask->second}});
  }
  for (auto const& [stem, file] : masks) {
    if (!used.contains(stem)) left.no_image.push_back(folders.above + stem);
  }
}

// A name in a list may have a path before it and an ending behind it.
std::string pairs_listed(std::string const& line) {
  auto const name = fs::path{line}.filename();
  auto const stem = image_stem(name);
  return stem.empty() ? name.string() : stem;
}

struct PairsList {
  Split split;
  fs::path file;
};

std::vector<PairsList> pairs_lists(fs::path const& root) {
  std::vector<PairsList> out;
  for (auto const& file : files_ending(root, {".txt"})) {
    if (auto const split = split_named(file.stem().string())) out.push_back({*split, file});
  }
  return out;
}

// Lists that name the cases of each split.
void pairs_read_lists(Dataset& set, MasksLeftOut const& left) {
  auto const lists = pairs_lists(set.root);
  if (lists.empty()) return;
  std::map<std::string, std::size_t> known;
  for (std::size_t i = 0; i < set.cases.size(); ++i) known.emplace(set.cases[i].id, i);
  for (auto const& list : lists) {
    std::vector<std::string> missing;
    for (auto const& line : lines_of(list.file)) {
      auto const name = pairs_listed(line);
      auto const at = known.find(name);
      if (at == known.end()) {
        if (std::ranges::find(left.no_mask, name) == left.no_mask.end())
          missing.push_back(printable(name.substr(0, 80), {}));
        continue;
      }
      auto& split = set.cases[at->second].split;
      if (split != Split::unassigned && split != list.split)
        throw Error{Fault::input,
                    text("expected each case in one split, got ", name, " in ", name_of(split),
                         " and in ", list.file.filename().string()),
                    "correct the lists: what is tested must not be learnt from"};
      split = list.split;
    }
    if (!missing.empty())
      throw Error{Fault::input,
                  text("expected names of images in ", list.file.filename().string(), ", got ",
                       missing.size(), " that are not there: ", named(missing)),
                  "write one name a line, without its ending"};
  }
  std::vector<std::string> unlisted;
  for (auto const& one : set.cases) {
    if (one.split == Split::unassigned) unlisted.push_back(one.id);
  }
  if (!unlisted.empty()) {
    std::erase_if(set.cases, [](Case const& one) { return one.split == Split::unassigned; });
    set.notes.push_back(text(unlisted.size(), " cases are in none of the lists (",
                             named(unlisted), "): left out"));
  }
}

}  // namespace

std::optional<Dataset> read_pairs_layout(fs::path const& root,
                                         ReadOptions const& options,
                                         std::vector<std::string>& nearly) {
  if (!fs::is_directory(root)) return std::nullopt;
  auto const folders = pairs_folders(root, nearly);
  if (folders.empty()) return std::nullopt;
  Dataset set{.root = root, .form = "images-and-masks", .masks = true};
  set.reader = options.reader;
  MasksLeftOut left;
  for (auto const& one : folders) pairs_add(set, one, left);
  if (set.cases.empty()) {
    if (left.no_mask.empty() && left.no_image.empty()) {
      nearly.push_back(text(folders.front().images.lexically_relative(root).string(), " and ",
                            folders.front().masks.lexically_relative(root).string(),
                            " without images"));
      return std::nullopt;
    }
    throw Error{
        Fault::input,
        text("expected images and masks of the same names in ", root, ", got the images ",
             named(left.no_mask), " and the masks ", named(left.no_image)),
        "name each mask as its image, or with _mask or _seg behind it"};
  }
  if (set.in(Split::unassigned).size() == set.cases.size()) pairs_read_lists(set, left);
  tell_left_out(set, left);
  PatientRule{options.patient_from}.apply(set);
  find_labels(set);
  report_on_validation(set);
  return set;
}

std::string also_pairs_layout(fs::path const& root) {
  if (!fs::is_directory(root)) return {};
  std::vector<std::string> nearly;
  auto const folders = pairs_folders(root, nearly);
  if (folders.empty()) return {};
  return text("the folders ", folders.front().images.lexically_relative(root).string(), " and ",
              folders.front().masks.lexically_relative(root).string());
}

}  // namespace fovea
