#include "learn/data/layout_coco.hpp"

#include "base/core/words.hpp"
#include "learn/data/coco_masks.hpp"
#include "learn/data/layout_masks.hpp"
#include "learn/data/layout_parts.hpp"

#include <algorithm>
#include <fstream>
#include <set>

namespace fovea {
namespace {

// instances_train2017.json, or a file in train/.
Split coco_split(fs::path const& file) {
  if (auto const split = split_named(file.parent_path().filename().string())) return *split;
  auto const name = lower(file.filename().string());
  for (auto const split : all_splits) {
    if (name.find(name_of(split)) != std::string::npos) return split;
  }
  return Split::unassigned;
}

// Only the beginning is looked at, and the end: COCO's lists may come in any order.
bool coco_could_be(fs::path const& file) {
  constexpr std::size_t most = 4096;
  std::ifstream in{file, std::ios::binary};
  std::string words(most, '\0');
  in.read(words.data(), static_cast<std::streamsize>(words.size()));
  words.resize(static_cast<std::size_t>(in.gcount()));
  auto const begins = words.find('{');
  if (begins == std::string::npos) return false;
  for (auto const* key :
       {"\"images\"", "\"annotations\"", "\"categories\"", "\"info\"", "\"licenses\""}) {
    if (words.find(key) != std::string::npos) return true;
  }
  return false;
}

std::vector<fs::path> coco_files(fs::path const& root) {
  std::vector<fs::path> out;
  if (!fs::is_directory(root)) return out;
  auto const add = [&](fs::path const& folder) {
    for (auto const& file : files_ending(folder, {".json"})) {
      if (file.filename() != "dataset.json" && coco_could_be(file)) out.push_back(file);
    }
  };
  add(root);
  for (auto const& folder : view_of(root).folders) {
    auto const name = lower(folder.filename().string());
    if (name == "annotations" || split_named(name)) add(folder);
  }
  return out;
}

std::vector<fs::path> coco_places(fs::path const& root, fs::path const& file) {
  auto const folder = file.parent_path();
  std::vector<fs::path> places = {folder, folder / "images", root, root / "images"};
  constexpr std::size_t most = 64;
  for (auto const& above : {root, root / "images"}) {
    if (!fs::is_directory(above)) continue;
    for (auto const& inner : view_of(above).folders) {
      if (places.size() < most) places.push_back(inner);
    }
  }
  return places;
}

// The folder that holds most of the first hundred images.
fs::path coco_place(fs::path const& root,
                    fs::path const& file,
                    CocoSet const& coco,
                    FolderCache& cache) {
  fs::path best = file.parent_path();
  std::size_t most = 0;
  for (auto const& place : coco_places(root, file)) {
    std::size_t found = 0;
    for (std::size_t i = 0; i < std::min<std::size_t>(coco.images.size(), 100); ++i) {
      auto const path = path_below(place, coco.images[i].file);
      found += path && cache.has(path->string()) ? 1 : 0;
    }
    if (found > most) {
      most = found;
      best = place;
    }
  }
  return best;
}

void coco_take_labels(Dataset& set, CocoSet const& coco, std::string const& what) {
  std::vector<MaskLabel> labels;
  std::set<std::string> names;
  for (std::size_t i = 0; i < coco.categories.size(); ++i) {
    auto name = coco.categories[i];
    if (!names.insert(name).second) name = text(name, " (", i + 1, ")");
    labels.push_back(mask_label(name, static_cast<std::int32_t>(i + 1)));
  }
  if (!set.labels.empty() && set.labels != labels)
    throw Error{Fault::input,
                text("expected the same categories in all files, got others in ", what),
                "give all files the same list"};
  set.labels = std::move(labels);
}

// All annotations of the set, one after the other; a case's mask names its row.
using CocoImages = std::vector<CocoImage>;

void coco_add(Dataset& set,
              fs::path const& file,
              CocoSet coco,
              CocoImages& images,
              FolderCache& cache,
              std::set<std::string>& ids) {
  auto const split = coco_split(file);
  auto const place = coco_place(set.root, file, coco, cache);
  std::vector<std::string> missing;
  std::size_t bare = 0;
  for (auto& image : coco.images) {
    auto const path = path_below(place, image.file);
    if (!path || !cache.has(path->string())) {
      missing.push_back(printable(image.file.substr(0, 80), {}));
      continue;
    }
    auto id = image.file;
    if (!ids.insert(id).second) {
      id = text(file.stem().string(), "/", image.file, " (", images.size(), ")");
      ids.insert(id);
    }
    bare += image.shapes.empty() ? 1 : 0;
    set.cases.push_back(
        {.id = std::move(id),
         .split = split,
         .image = {.file = *path},
         .mask = {.file = file, .row = static_cast<std::int64_t>(images.size())}});
    images.push_back(std::move(image));
  }
  auto const name = file.lexically_relative(set.root).string();
  if (!missing.empty())
    set.problems.push_back({"missing",
                            text(missing.size(), " images of ", name,
                                 " do not exist and are left out: ", named(missing)),
                            {},
                            false});
  if (coco.boxes_only > 0)
    set.notes.push_back(text(coco.boxes_only, " annotations of ", name,
                             " are boxes without an outline: not used"));
  if (bare > 0)
    set.notes.push_back(
        text(bare, " images of ", name, " have no outlines: they show nothing"));
}

}  // namespace

std::optional<Dataset> read_coco_layout(fs::path const& root,
                                        ReadOptions const& options,
                                        std::vector<std::string>& nearly) {
  Dataset set{.root = root, .form = "coco", .masks = true};
  set.reader = options.reader;
  auto images = std::make_shared<CocoImages>();
  FolderCache cache;
  std::set<std::string> ids;
  std::vector<std::string> without;
  for (auto const& file : coco_files(root)) {
    auto const name = file.lexically_relative(root).string();
    auto const json = read_json(file);
    if (!json.is_object() || !json.contains("images") || !json.contains("annotations") ||
        !json.contains("categories")) {
      nearly.push_back(name + ": no images, annotations and categories in it");
      continue;
    }
    auto coco = parse_coco(json, name);
    if (std::ranges::all_of(coco.images, [](auto const& one) { return one.shapes.empty(); })) {
      nearly.push_back(name + ": annotations without outlines");
      continue;
    }
    coco_take_labels(set, coco, name);
    auto const before = set.cases.size();
    coco_add(set, file, std::move(coco), *images, cache, ids);
    if (set.cases.size() == before) without.push_back(name);
  }
  if (set.cases.empty()) {
    if (without.empty()) return std::nullopt;
    throw Error{Fault::input,
                text("expected the images that ", named(without), " names, got none of them"),
                "put them beside the file or into images"};
  }
  set.drawn = [images](Location const& at, Grid const& grid) {
    return draw_coco(images->at(static_cast<std::size_t>(at.row)), grid);
  };
  PatientRule{options.patient_from}.apply(set);
  report_on_validation(set);
  return set;
}

std::string also_coco_layout(fs::path const& root) {
  auto const files = coco_files(root);
  return files.empty() ? "" : files.front().lexically_relative(root).string();
}

}  // namespace fovea
