#include "learn/data/layout_folders.hpp"

#include "base/core/words.hpp"
#include "learn/data/layout_parts.hpp"

#include <algorithm>
#include <set>

namespace fovea {
namespace {

// What was passed over, for the notes.
struct FoldersSeen {
  std::vector<std::string> strangers;  // files that are no pictures
  std::vector<std::string> loose;      // pictures outside of class folders
  std::vector<std::string> deep;       // folders below CLASS/FOLDER
  std::vector<std::string> empty;      // class folders without pictures
  std::set<fs::path> entered;          // so that links cannot lead in circles
};

struct FoldersFile {
  Split split;
  std::string of_class;
  fs::path file;
};

std::string folders_id(fs::path const& root, fs::path const& file) {
  return file.lexically_relative(root).generic_string();
}

bool folders_enter(fs::path const& folder, FoldersSeen& seen) {
  std::error_code fault;
  auto const real = fs::canonical(folder, fault);
  return !fault && seen.entered.insert(real).second;
}

void folders_add_names(std::vector<fs::path> const& files,
                       fs::path const& root,
                       std::vector<std::string>& names) {
  for (auto const& file : files) names.push_back(folders_id(root, file));
}

// The pictures of one class folder and of the folders in it.
void folders_class(fs::path const& root,
                   fs::path const& folder,
                   Split split,
                   FoldersSeen& seen,
                   std::vector<FoldersFile>& files) {
  if (!folders_enter(folder, seen)) return;
  auto const name = folder.filename().string();
  auto const before = files.size();
  auto view = view_of(folder);
  auto const take = [&](FolderView const& here) {
    for (auto const& file : here.pictures) files.push_back({split, name, file});
    folders_add_names(here.others, root, seen.strangers);
  };
  take(view);
  for (auto const& inner : view.folders) {
    if (!folders_enter(inner, seen)) continue;
    auto const below = view_of(inner);
    take(below);
    folders_add_names(below.folders, root, seen.deep);
  }
  if (files.size() == before) seen.empty.push_back(folders_id(root, folder));
}

void folders_classes(fs::path const& root,
                     fs::path const& folder,
                     Split split,
                     FoldersSeen& seen,
                     std::vector<FoldersFile>& files) {
  if (!folders_enter(folder, seen)) return;
  auto const view = view_of(folder);
  folders_add_names(view.pictures, root, seen.loose);
  folders_add_names(view.others, root, seen.strangers);
  for (auto const& inner : view.folders) folders_class(root, inner, split, seen, files);
}

bool folders_is_split(fs::path const& folder) {
  return split_named(folder.filename().string()).has_value();
}

// Folders of splits above the classes. Where all are named as splits they are no classes
// either.
bool folders_split_above(FolderView const& view) {
  if (!view.folders.empty() && std::ranges::all_of(view.folders, folders_is_split)) return true;
  return std::ranges::any_of(view.folders, [](fs::path const& folder) {
    return folders_is_split(folder) && !view_of(folder).folders.empty();
  });
}

void folders_splits(fs::path const& root,
                    FolderView const& view,
                    FoldersSeen& seen,
                    std::vector<FoldersFile>& files) {
  folders_add_names(view.pictures, root, seen.loose);
  folders_add_names(view.others, root, seen.strangers);
  for (auto const& folder : view.folders) {
    if (auto const split = split_named(folder.filename().string())) {
      folders_classes(root, folder, *split, seen, files);
    } else {
      seen.deep.push_back(folders_id(root, folder));
    }
  }
}

// Archives unpack into a folder of their own name: chest_xray/chest_xray/train/….
fs::path folders_top(fs::path const& root) {
  auto top = root;
  for (int level = 0; level < 4; ++level) {
    auto const view = view_of(top);
    if (view.folders.size() > 1 || folders_split_above(view)) return top;
    if (view.folders.empty() || !view.pictures.empty()) break;
    top = view.folders[0];
  }
  return root;
}

void folders_note(Dataset& set,
                  std::vector<std::string> const& names,
                  std::string const& what,
                  std::string const& so) {
  if (!names.empty())
    set.notes.push_back(text(names.size(), " ", what, " (", named(names), "): ", so));
}

void folders_notes(Dataset& set, FoldersSeen const& seen) {
  folders_note(set, seen.strangers, "files are not named as pictures", "not read");
  folders_note(set, seen.loose, "pictures lie outside of class folders", "not read");
  folders_note(set, seen.deep, "folders belong to no class or split, or lie too deep",
               "not read");
  folders_note(set, seen.empty, "folders hold no pictures", "not a class");
}

void folders_fill(Dataset& set, std::vector<FoldersFile> const& files) {
  std::set<std::string> names;
  for (auto const& file : files) names.insert(file.of_class);
  set.classes.assign(names.begin(), names.end());
  std::ranges::sort(set.classes, natural_less);
  std::map<std::string, std::int32_t> index;
  for (std::size_t i = 0; i < set.classes.size(); ++i)
    index.emplace(set.classes[i], static_cast<std::int32_t>(i));
  for (auto const& file : files)
    set.cases.push_back({.id = folders_id(set.root, file.file),
                         .split = file.split,
                         .image = {.file = file.file},
                         .labels = {index.at(file.of_class)}});
}

}  // namespace

std::optional<Dataset> read_folders_layout(fs::path const& root,
                                           ReadOptions const& options,
                                           std::vector<std::string>& nearly) {
  if (!fs::is_directory(root)) return std::nullopt;
  auto const top = folders_top(root);
  auto const view = view_of(top);
  FoldersSeen seen;
  std::vector<FoldersFile> files;
  auto const with_splits = folders_split_above(view);
  if (with_splits) {
    folders_splits(root, view, seen, files);
  } else {
    folders_classes(root, top, Split::unassigned, seen, files);
  }
  if (files.empty()) {
    if (!seen.loose.empty())
      nearly.push_back(text(seen.loose.size(), " pictures (", named(seen.loose),
                            ") outside of class folders"));
    if (!seen.empty.empty())
      nearly.push_back(
          text(seen.empty.size(), " folders without pictures (", named(seen.empty), ")"));
    if (!seen.deep.empty())
      nearly.push_back(text(seen.deep.size(), " folders too deep (", named(seen.deep), ")"));
    return std::nullopt;
  }
  Dataset set{.root = root, .form = "class-folders"};
  set.reader = options.reader;
  folders_fill(set, files);
  if (top != root) set.notes.push_back(text("the set lies in ", folders_id(root, top)));
  folders_notes(set, seen);
  PatientRule{options.patient_from}.apply(set);
  return set;
}

std::string also_folders_layout(fs::path const& root) {
  if (!fs::is_directory(root)) return {};
  auto const has_pictures = [](fs::path const& folder) {
    return !view_of(folder).pictures.empty();
  };
  std::vector<std::string> names;
  for (auto const& folder : view_of(root).folders) {
    if (has_pictures(folder) || std::ranges::any_of(view_of(folder).folders, has_pictures))
      names.push_back(folder.filename().string());
  }
  return names.empty() ? "" : "the folders " + named(names);
}

}  // namespace fovea
