#include "learn/data/layout_voc.hpp"

#include "base/core/words.hpp"
#include "learn/data/layout_masks.hpp"
#include "learn/data/layout_parts.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace fovea {
namespace {

constexpr std::int32_t voc_ignored = 255;

// Of the challenge itself; other sets of this form have labels of their own.
constexpr std::array<std::string_view, 20> voc_names = {
    "aeroplane", "bicycle",     "bird",  "boat",        "bottle", "bus",      "car",
    "cat",       "chair",       "cow",   "diningtable", "dog",    "horse",    "motorbike",
    "person",    "pottedplant", "sheep", "sofa",        "train",  "tvmonitor"};

bool voc_is_challenge(fs::path const& root) {
  auto const name = root.lexically_normal().filename().string();
  return name.starts_with("VOC20") && name.size() == 7;
}

bool voc_here(fs::path const& root) {
  std::error_code ignored;
  return fs::is_directory(root / "JPEGImages", ignored) &&
         fs::is_directory(root / "SegmentationClass", ignored);
}

// VOCdevkit/VOC2012 is what the archive unpacks to.
fs::path voc_top(fs::path const& root) {
  if (!fs::is_directory(root)) return {};
  auto top = root;
  for (int level = 0; level < 3; ++level) {
    if (voc_here(top)) return top;
    auto const view = view_of(top);
    if (view.folders.size() != 1) return {};
    top = view.folders.front();
  }
  return {};
}

std::map<std::string, Split> voc_lists(fs::path const& top) {
  std::map<std::string, Split> out;
  auto const folder = top / "ImageSets" / "Segmentation";
  if (!fs::is_directory(folder)) return out;
  for (auto const split : all_splits) {
    auto const file = folder / (std::string{name_of(split)} + ".txt");
    std::error_code ignored;
    if (!fs::is_regular_file(file, ignored)) continue;
    for (auto const& line : lines_of(file)) {
      auto const [at, fresh] = out.emplace(line, split);
      if (!fresh && at->second != split)
        throw Error{Fault::input,
                    text("expected each image in one list of ImageSets/Segmentation, got ",
                         printable(line.substr(0, 80), {}), " in ", name_of(at->second),
                         " and ", name_of(split)),
                    "correct the lists: what is tested must not be learnt from"};
    }
  }
  return out;
}

void voc_cases(Dataset& set, fs::path const& top, MasksLeftOut& left) {
  auto const images = images_in(top / "JPEGImages", left.twice);
  auto const masks = images_in(top / "SegmentationClass", left.twice);
  auto const lists = voc_lists(top);
  std::vector<std::string> unlisted;
  for (auto const& [stem, mask] : masks) {
    auto const image = images.find(stem);
    auto const listed = lists.find(stem);
    if (image == images.end()) {
      left.no_image.push_back(stem);
    } else if (!lists.empty() && listed == lists.end()) {
      unlisted.push_back(stem);
    } else {
      set.cases.push_back({.id = stem,
                           .split = lists.empty() ? Split::unassigned : listed->second,
                           .image = {.file = image->second},
                           .mask = {.file = mask}});
    }
  }
  // Most pictures of the challenge have boxes only: these are no fault.
  for (auto const& [stem, split] : lists) {
    if (!masks.contains(stem)) left.no_mask.push_back(stem);
  }
  if (!unlisted.empty())
    set.notes.push_back(text(unlisted.size(), " masks are in no list of ImageSets (",
                             named(unlisted), "): left out"));
}

}  // namespace

std::optional<Dataset> read_voc_layout(fs::path const& root,
                                       ReadOptions const& options,
                                       std::vector<std::string>& /*nearly*/) {
  auto const top = voc_top(root);
  if (top.empty()) return std::nullopt;
  Dataset set{.root = root, .form = "pascal-voc", .masks = true};
  set.reader = options.reader;
  set.channels = {"red", "green", "blue"};
  set.ignore = voc_ignored;
  MasksLeftOut left;
  voc_cases(set, top, left);
  if (set.cases.empty())
    throw Error{
        Fault::input,
        text("expected masks in SegmentationClass with images in JPEGImages of the same "
             "names, got the masks ",
             named(left.no_image)),
        "check that the archive was unpacked whole"};
  tell_left_out(set, left);
  if (voc_is_challenge(top)) {
    for (std::size_t i = 0; i < voc_names.size(); ++i)
      set.labels.push_back(
          mask_label(std::string{voc_names[i]}, static_cast<std::int32_t>(i + 1)));
  } else {
    find_labels(set);
  }
  PatientRule{options.patient_from}.apply(set);
  report_on_validation(set);
  return set;
}

std::string also_voc_layout(fs::path const& root) {
  return voc_top(root).empty() ? "" : "JPEGImages and SegmentationClass";
}

}  // namespace fovea
