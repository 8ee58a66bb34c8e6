#include "learn/data/layout.hpp"

#include "base/core/words.hpp"
#include "learn/data/layout_coco.hpp"
#include "learn/data/layout_csv.hpp"
#include "learn/data/layout_csv_masks.hpp"
#include "learn/data/layout_dicom.hpp"
#include "learn/data/layout_drive.hpp"
#include "learn/data/layout_folders.hpp"
#include "learn/data/layout_nnunet.hpp"
#include "learn/data/layout_npz.hpp"
#include "learn/data/layout_pairs.hpp"
#include "learn/data/layout_parts.hpp"
#include "learn/data/layout_voc.hpp"

#include <algorithm>

namespace fovea {
namespace {

// A list says more than folders do (patients, splits), so it comes before them.
constexpr LayoutRow layout_rows[] = {
    {"medmnist-npz", "one .npz with train_images and train_labels (val_, test_)",
     read_npz_layout, also_npz_layout},
    {"csv-masks", "a .csv with columns image and mask (split, patient, weight, image_2, …)",
     read_csv_masks_layout, also_csv_masks_layout},
    {"csv", "a .csv with columns path and label (split, patient, weight) or a column a label",
     read_csv_layout, also_csv_layout},
    {"nnunet", "a folder with dataset.json of the Decathlon or nnU-Net (imagesTr, labelsTr)",
     read_nnunet_layout, also_nnunet_layout},
    {"drive", "training and test, each with images, 1st_manual and mask, as DRIVE has them",
     read_drive_layout, also_drive_layout},
    {"pascal-voc", "JPEGImages, SegmentationClass and ImageSets, as Pascal VOC has them",
     read_voc_layout, also_voc_layout},
    {"coco", "COCO's annotations (.json with polygons or runs) and their images",
     read_coco_layout, also_coco_layout},
    {"images-and-masks",
     "images and labels (or masks), with train, val, test above, or train.txt, val.txt, "
     "test.txt "
     "beside",
     read_pairs_layout, also_pairs_layout},
    {"dicom", "DICOM series with segmentations (SEG) or structure sets (RTSTRUCT)",
     read_dicom_layout, also_dicom_layout},
    {"class-folders", "a folder for each class, with or without train, val, test above",
     read_folders_layout, also_folders_layout},
};

std::string layout_known() {
  std::vector<std::string> lines;
  for (auto const& row : layout_rows) lines.emplace_back(row.looks_like);
  return joined(lines, "; or ");
}

void layout_expect_there(fs::path const& root) {
  std::error_code fault;
  auto const status = fs::status(root, fault);
  if (status.type() == fs::file_type::not_found)
    throw Error{Fault::input, text("expected a data set, ", root, " does not exist"),
                "check the path"};
  if (fault)
    throw Error{Fault::resource, text("cannot look at ", root, ": ", fault.message()),
                "check its permissions"};
}

std::string layout_count(std::size_t count,
                         std::string_view what,
                         std::vector<std::string> const& names) {
  return count == 0 ? "" : text(count, " ", what, " (", named(names), ")");
}

std::vector<std::string> layout_names(std::vector<fs::path> const& paths) {
  std::vector<std::string> names;
  for (auto const& path : paths) names.push_back(path.filename().string());
  return names;
}

std::string layout_seen(fs::path const& root) {
  if (!fs::is_directory(root)) return "a file named " + root.filename().string();
  auto const view = view_of(root);
  std::vector<std::string> parts = {
      layout_count(view.folders.size(), "folders", layout_names(view.folders)),
      layout_count(view.pictures.size(), "pictures", layout_names(view.pictures)),
      layout_count(view.others.size(), "other files", layout_names(view.others))};
  std::erase(parts, "");
  return parts.empty() ? "an empty folder" : joined(parts, ", ");
}

// They are shown in terminals, tables and charts: a line break or an escape sequence in one
// would forge what stands there.
void layout_expect_printable(Dataset const& set) {
  for (auto const& name : set.classes) {
    if (printable(name, {}) != name)
      throw Error{Fault::input,
                  text("expected names of classes without control characters, got '",
                       printable(name, {}), "'"),
                  "rename the class"};
  }
  for (auto const& label : set.labels) {
    if (printable(label.name, {}) != label.name)
      throw Error{Fault::input,
                  text("expected names of labels without control characters, got '",
                       printable(label.name, {}), "'"),
                  "rename the label"};
  }
}

void layout_note_others(Dataset& set, fs::path const& root, LayoutRow const& taken) {
  for (auto const& row : layout_rows) {
    if (row.name == taken.name) continue;
    // One table is not a set twice.
    if (set.masks && row.name.starts_with("csv") && taken.name.starts_with("csv")) continue;
    // DRIVE's folder named mask is the field of view.
    if (set.form == "drive" && row.name == "images-and-masks") continue;
    // A list names the files that lie in the folders beside it: they are not a second form.
    if (set.form == "csv" && row.name == "class-folders") continue;
    // Nor are folders of images and masks classes.
    if (set.masks && row.name == "class-folders") continue;
    auto const other = row.also(root);
    if (!other.empty())
      set.notes.push_back(
          text("also holds ", other, " (", row.name, "): taken as the same set and not read"));
  }
}

std::vector<std::size_t> layout_counts(Dataset const& set, Split const* split) {
  std::vector<std::size_t> counts(set.classes.size());
  for (auto const& one : set.cases) {
    if (split != nullptr && one.split != *split) continue;
    for (std::size_t c = 0; c < counts.size(); ++c) counts[c] += set.is(one, c) ? 1 : 0;
  }
  return counts;
}

void layout_expect_classes(Dataset const& set) {
  auto const counts = layout_counts(set, nullptr);
  if (set.multi_label) return;
  auto const filled = std::ranges::count_if(counts, [](auto count) { return count > 0; });
  if (filled < 2)
    throw Error{Fault::input,
                text("expected images of at least 2 classes, got ", filled,
                     filled == 1 ? " class (" : " classes (", named(set.classes), ")"),
                "add images of another class"};
  auto const lonely = std::ranges::find(counts, 1U);
  if (lonely != counts.end())
    throw Error{Fault::input,
                text("expected at least 2 images of each class, one to learn from and one to "
                     "test with, got 1 of class '",
                     set.classes[static_cast<std::size_t>(lonely - counts.begin())], "'"),
                "add images of this class or leave it out"};
}

bool layout_contrasts(Dataset const& set, std::size_t label) {
  auto const says = [&](std::int32_t answer) {
    return std::ranges::any_of(set.cases, [&](Case const& one) {
      return one.split == Split::train && one.labels[label] == answer;
    });
  };
  return says(1) && says(0);
}

void layout_expect_contrast(Dataset const& set) {
  if (!set.multi_label) return;
  for (std::size_t label = 0; label < set.classes.size(); ++label) {
    if (layout_contrasts(set, label)) return;
  }
  throw Error{Fault::input,
              text("expected a label that is 1 in some training images and 0 in others, got "
                   "none such among ",
                   named(set.classes, 8)),
              "check the columns of labels"};
}

// What is not known cannot be chosen by nor tested with.
void layout_expect_known(Dataset const& set) {
  for (auto const split : all_splits) {
    auto const count = set.in(split).size();
    if (count > 0 && set.labelled(split).empty())
      throw Error{Fault::input,
                  text("expected cases with a known label in every split, got none among the ",
                       count, " of ", name_of(split)),
                  text("label some of them, move labelled ones into ", name_of(split),
                       " or leave the split out")};
  }
}

void layout_expect_weight(Dataset const& set) {
  auto const train = set.in(Split::train);
  auto const weightless = [&](std::size_t at) { return set.cases[at].weight == 0; };
  if (!train.empty() && std::ranges::all_of(train, weightless))
    throw Error{Fault::input,
                text("expected training images with a weight above 0, got ", train.size(),
                     " that all weigh 0"),
                "correct the column of weights or leave it out"};
}

void layout_expect_seen(Dataset const& set) {
  auto const train = Split::train;
  auto const learnt = layout_counts(set, &train);
  for (auto const split : {Split::validation, Split::test}) {
    auto const asked = layout_counts(set, &split);
    for (std::size_t c = 0; c < asked.size(); ++c) {
      if (asked[c] > 0 && learnt[c] == 0)
        throw Error{
            Fault::input,
            text("expected training images of every class, got none of '", set.classes[c],
                 "', which occurs ", asked[c], " times in ", name_of(split)),
            "move images of this class into train or leave it out"};
    }
  }
}

void layout_expect_masks(Dataset const& set) {
  auto const known =
      std::ranges::count_if(set.cases, [](Case const& one) { return !one.mask.file.empty(); });
  if (known < 2)
    throw Error{
        Fault::input,
        text("expected at least 2 cases with a mask, one to learn from and one to choose "
             "by, got ",
             known),
        "add cases"};
  if (set.labels.empty())
    throw Error{Fault::input, "expected a set that says which labels its masks have, got none",
                "declare them"};
  if (set.labelled(Split::train).empty())
    throw Error{Fault::input,
                text("expected training cases with a mask, got none among ",
                     set.in(Split::train).size()),
                "add masks of training images"};
  for (auto const split : all_splits) {
    auto const count = set.in(split).size();
    if (count > 0 && set.labelled(split).empty())
      throw Error{Fault::input,
                  text("expected cases with a mask in every split, got none among the ", count,
                       " of ", name_of(split)),
                  text("add masks to ", name_of(split), " or leave the split out")};
  }
}

// What no training case shows would be an answer that is never given.
void layout_expect_shown(Dataset const& set) {
  auto const train = set.labelled(Split::train);
  std::vector<std::string> absent;
  for (std::size_t label = 0; label < set.labels.size(); ++label) {
    auto const hidden = [&](std::size_t at) {
      auto const& seen = set.cases[at].labels;
      return label < seen.size() && seen[label] == 0;
    };
    if (std::ranges::all_of(train, hidden)) absent.push_back(set.labels[label].name);
  }
  if (!absent.empty())
    throw Error{Fault::input,
                text("expected every label in at least one training mask, got none of ",
                     named(absent, 8)),
                "move a case that shows it into train, or do not declare the label"};
}

}  // namespace

std::span<LayoutRow const> layouts() {
  return layout_rows;
}

Dataset read_dataset(fs::path const& root, ReadOptions const& options) {
  layout_expect_there(root);
  std::vector<std::string> nearly;
  for (auto const& row : layout_rows) {
    auto set = row.read(root, options, nearly);
    if (!set) continue;
    if (set->cases.empty())
      throw Error{Fault::input,
                  text("expected images in ", root, " (read as ", row.name, "), got none"),
                  "add images"};
    layout_expect_printable(*set);
    for (auto const& other : nearly) set->notes.push_back("not read: " + other);
    layout_note_others(*set, root, row);
    return std::move(*set);
  }
  auto seen = layout_seen(root);
  if (!nearly.empty()) seen += "; " + joined(nearly, "; ");
  throw Error{Fault::input, text("expected a data set in ", root, ", got ", seen),
              "understood are: " + layout_known()};
}

void expect_trainable(Dataset const& set) {
  if (set.masks) {
    layout_expect_masks(set);
    layout_expect_weight(set);
    layout_expect_shown(set);
    return;
  }
  layout_expect_classes(set);
  layout_expect_known(set);
  layout_expect_weight(set);
  layout_expect_contrast(set);
  layout_expect_seen(set);
}

}  // namespace fovea
