#include "learn/data/layout_nnunet.hpp"

#include "base/core/json.hpp"
#include "base/core/words.hpp"
#include "base/io/picture.hpp"
#include "learn/data/layout_masks.hpp"
#include "learn/data/layout_parts.hpp"

#include <algorithm>
#include <set>

namespace fovea {
namespace {

[[noreturn]] void nnunet_refuse(std::string const& expected, std::string const& got) {
  throw Error{Fault::input, text("dataset.json: expected ", expected, ", got ", got),
              "it should be as the Decathlon or nnU-Net writes it"};
}

std::string nnunet_shown(Json const& value) {
  auto words = printable(value.dump(-1, ' ', true, Json::error_handler_t::replace), {});
  return words.size() > 80 ? words.substr(0, 80) + "…" : words;
}

std::string nnunet_word(Json const& value, std::string const& what) {
  if (!value.is_string()) nnunet_refuse(what, nnunet_shown(value));
  auto const& word = value.get_ref<std::string const&>();
  if (word.size() > 1000) nnunet_refuse(what, text("one of ", word.size(), " bytes"));
  return word;
}

// Finds the files of cases. Folders are listed once.
class NnunetFiles {
 public:
  NnunetFiles(fs::path const& root, std::string ending, std::size_t channels)
      : root_(root), ending_(std::move(ending)), channels_(channels) {}

  bool has(fs::path const& file) { return cache_.has(file.string()); }

  fs::path below(Json const& path) const {
    auto const word = nnunet_word(path, "the path of a file");
    if (auto const file = path_below(root_, word)) return *file;
    nnunet_refuse("paths of files below the folder of dataset.json",
                  "'" + printable(word.substr(0, 80), {}) + "'");
  }

  // The one file of all channels, or one for each.
  std::vector<Location> of(fs::path const& folder, std::string const& name) {
    if (has(folder / (name + ending_))) return {{.file = folder / (name + ending_)}};
    std::vector<Location> out;
    for (std::size_t c = 0; c < std::max<std::size_t>(channels_, 1); ++c) {
      auto const file = folder / (name + tail(c) + ending_);
      if (!has(file)) {
        if (!out.empty() && !(out.size() == 1 && is_colour()))
          nnunet_refuse(text("all ", channels_, " channels of ", name),
                        text("no ", file.filename().string()));
        break;
      }
      out.push_back({.file = file});
    }
    return out;
  }

  // Names of cases in a folder: without _0000.
  std::vector<std::string> names_in(fs::path const& folder) const {
    std::set<std::string, NaturalLess> names;
    if (!fs::is_directory(folder)) return {};
    auto const view = view_of(folder);
    for (auto const* files : {&view.others, &view.pictures}) {
      for (auto const& file : *files) {
        auto name = file.filename().string();
        if (!name.ends_with(ending_)) continue;
        name.resize(name.size() - ending_.size());
        names.insert(without_tail(name));
      }
    }
    return {names.begin(), names.end()};
  }

  std::string name_of_file(fs::path const& file) const {
    auto name = file.filename().string();
    if (name.ends_with(ending_)) name.resize(name.size() - ending_.size());
    return without_tail(name);
  }

  std::string const& ending() const { return ending_; }

 private:
  // A colour picture holds its three channels.
  bool is_colour() const { return channels_ == 3 && named_as_picture("x" + ending_); }

  static std::string tail(std::size_t channel) {
    auto digits = text(channel);
    return "_" + std::string(digits.size() < 4 ? 4 - digits.size() : 0, '0') + digits;
  }
  static std::string without_tail(std::string const& name) {
    constexpr std::size_t length = 5;
    if (name.size() <= length || name[name.size() - length] != '_') return name;
    auto const digits = std::string_view{name}.substr(name.size() - length + 1);
    auto const all = std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
    return all ? name.substr(0, name.size() - length) : name;
  }

  fs::path root_;
  std::string ending_;
  std::size_t channels_;
  FolderCache cache_;
};

struct NnunetCase {
  std::string name;
  std::vector<Location> images;
  fs::path mask;
};

void nnunet_add(
    Dataset& set, NnunetFiles& files, NnunetCase one, Split split, MasksLeftOut& left) {
  auto const there = files.has(one.mask);
  if (one.images.empty() || !there) {
    (one.images.empty() ? left.no_image : left.no_mask).push_back(one.name);
    return;
  }
  set.cases.push_back({.id = one.name,
                       .split = split,
                       .image = one.images.front(),
                       .channels = {one.images.begin() + 1, one.images.end()},
                       .mask = {.file = one.mask}});
}

// nnU-Net v2: "dataset": {"case": {"images": [...], "label": "..."}}.
void nnunet_listed(Dataset& set, NnunetFiles& files, Json const& cases, MasksLeftOut& left) {
  if (!cases.is_object()) nnunet_refuse("an object \"dataset\"", nnunet_shown(cases));
  for (auto const& row : cases.items()) {
    auto const& entry = row.value();
    if (!entry.is_object() || !entry.contains("images") || !entry.at("images").is_array() ||
        entry.at("images").size() > 1000 || !entry.contains("label"))
      nnunet_refuse("\"images\" and a \"label\" for each case of \"dataset\"",
                    nnunet_shown(entry));
    NnunetCase one{row.key(), {}, files.below(entry.at("label"))};
    auto complete = true;
    for (auto const& path : entry.at("images")) {
      one.images.push_back({.file = files.below(path)});
      complete = complete && files.has(one.images.back().file);
    }
    if (!complete) one.images.clear();
    nnunet_add(set, files, std::move(one), Split::unassigned, left);
  }
}

// Decathlon: "training": [{"image": "./imagesTr/a.nii.gz", "label": "./labelsTr/a.nii.gz"}].
// nnU-Net v1 lists names without the channel that the files have.
void nnunet_training(Dataset& set, NnunetFiles& files, Json const& cases, MasksLeftOut& left) {
  for (auto const& entry : cases) {
    if (!entry.is_object() || !entry.contains("image") || !entry.contains("label"))
      nnunet_refuse("an \"image\" and a \"label\" for each of \"training\"",
                    nnunet_shown(entry));
    auto const image = files.below(entry.at("image"));
    auto const name = files.name_of_file(image);
    auto images = files.has(image) ? std::vector<Location>{{.file = image}}
                                   : files.of(image.parent_path(), name);
    nnunet_add(set, files, {name, std::move(images), files.below(entry.at("label"))},
               Split::unassigned, left);
  }
}

void nnunet_folders(Dataset& set,
                    NnunetFiles& files,
                    std::string const& tail,
                    Split split,
                    MasksLeftOut& left) {
  auto const images = set.root / ("images" + tail);
  auto const masks = set.root / ("labels" + tail);
  std::set<std::string> seen;
  for (auto const& name : files.names_in(images)) {
    seen.insert(name);
    nnunet_add(set, files, {name, files.of(images, name), masks / (name + files.ending())},
               split, left);
  }
  for (auto const& name : files.names_in(masks)) {
    if (!seen.contains(name)) left.no_image.push_back(name);
  }
}

void nnunet_tests(Dataset& set, NnunetFiles& files, MasksLeftOut& left) {
  auto const unlabelled = files.names_in(set.root / "imagesTs");
  if (unlabelled.empty()) return;
  std::error_code ignored;
  if (fs::is_directory(set.root / "labelsTs", ignored)) {
    // Without test masks all the others are there to be learnt from.
    for (auto& one : set.cases) one.split = Split::train;
    nnunet_folders(set, files, "Ts", Split::test, left);
    return;
  }
  set.notes.push_back(text(
      unlabelled.size(), " images in imagesTs have no masks (labelsTs): not part of the set"));
}

// Names of a case in train and test are made different.
void nnunet_expect_unique(Dataset& set) {
  std::set<std::string> ids;
  for (auto& one : set.cases) {
    if (!ids.insert(one.id).second) {
      one.id = "test/" + one.id;
      if (!ids.insert(one.id).second)
        nnunet_refuse("each case once", "'" + printable(one.id, {}) + "' twice");
    }
  }
}

void nnunet_expect_readable(std::string const& ending) {
  if (image_stem("x" + ending) != "x")
    nnunet_refuse("the ending of an image format as \"file_ending\", \".nii.gz\"",
                  "'" + printable(ending.substr(0, 80), {}) + "'");
}

bool nnunet_has_list(Json const& json) {
  return json.contains("training") && json.at("training").is_array() &&
         !json.at("training").empty();
}

}  // namespace

std::optional<Dataset> read_nnunet_layout(fs::path const& root,
                                          ReadOptions const& options,
                                          std::vector<std::string>& nearly) {
  std::error_code ignored;
  if (!fs::is_directory(root) || !fs::is_regular_file(root / "dataset.json", ignored))
    return std::nullopt;
  auto const json = read_json(root / "dataset.json");
  if (!json.is_object() || !json.contains("labels")) {
    nearly.push_back("dataset.json: no \"labels\" in it");
    return std::nullopt;
  }
  Dataset set{.root = root, .form = "nnunet", .masks = true};
  set.reader = options.reader;
  auto const file = read_dataset_file(json, "dataset.json");
  take_labels(set, file);
  nnunet_expect_readable(file.ending);
  NnunetFiles files{root, file.ending, set.channels.size()};
  MasksLeftOut left;
  if (json.contains("dataset")) {
    nnunet_listed(set, files, json.at("dataset"), left);
  } else if (nnunet_has_list(json)) {
    nnunet_training(set, files, json.at("training"), left);
  } else {
    nnunet_folders(set, files, "Tr", Split::unassigned, left);
  }
  if (set.cases.empty()) {
    std::vector<std::string> got;
    if (!left.no_mask.empty()) got.push_back("images without a mask: " + named(left.no_mask));
    if (!left.no_image.empty())
      got.push_back("masks without an image: " + named(left.no_image));
    throw Error{Fault::input,
                text("expected images in imagesTr and masks in labelsTr (*", files.ending(),
                     ") in ", root, ", as its dataset.json says, got ",
                     got.empty() ? "no such files" : joined(got, "; ")),
                "check that the archive was unpacked whole"};
  }
  nnunet_tests(set, files, left);
  nnunet_expect_unique(set);
  tell_left_out(set, left);
  PatientRule{options.patient_from}.apply(set);
  return set;
}

std::string also_nnunet_layout(fs::path const& root) {
  std::error_code ignored;
  return fs::is_directory(root) && fs::is_regular_file(root / "dataset.json", ignored)
             ? "dataset.json"
             : "";
}

}  // namespace fovea
