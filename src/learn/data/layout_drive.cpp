#include "learn/data/layout_drive.hpp"

#include "base/core/words.hpp"
#include "learn/data/layout_masks.hpp"
#include "learn/data/layout_parts.hpp"

#include <algorithm>

namespace fovea {
namespace {

struct DrivePart {
  Split split;
  fs::path folder;
};

bool drive_has(fs::path const& folder, std::string_view inner) {
  std::error_code ignored;
  return fs::is_directory(folder / inner, ignored);
}

// training and test; or one of them alone, whose mask is no target either.
std::vector<DrivePart> drive_parts(fs::path const& root) {
  if (drive_has(root, "images") && drive_has(root, "1st_manual"))
    return {{Split::unassigned, root}};
  std::vector<DrivePart> parts;
  for (auto const& folder : view_of(root).folders) {
    auto const split = split_named(folder.filename().string());
    if (split && drive_has(folder, "images") &&
        (drive_has(folder, "1st_manual") || drive_has(folder, "2nd_manual")))
      parts.push_back({*split, folder});
  }
  return parts;
}

// Files by the number that their names begin with: "21" of "21_manual1.gif".
std::map<std::string, fs::path> drive_numbered(fs::path const& folder,
                                               std::vector<std::string>& twice) {
  std::map<std::string, fs::path> out;
  for (auto const& [stem, file] : images_in(folder, twice)) {
    auto const number = stem.substr(0, stem.find_first_not_of("0123456789"));
    if (number.empty()) continue;
    if (!out.emplace(number, file).second)
      twice.push_back((folder.filename() / file.filename()).generic_string());
  }
  return out;
}

Location drive_at(std::map<std::string, fs::path> const& files, std::string const& number) {
  auto const found = files.find(number);
  return found == files.end() ? Location{} : Location{.file = found->second};
}

void drive_add(Dataset& set, DrivePart const& part, MasksLeftOut& left) {
  auto const images = drive_numbered(part.folder / "images", left.twice);
  auto const vessels = drive_numbered(part.folder / "1st_manual", left.twice);
  auto const fields = drive_numbered(part.folder / "mask", left.twice);
  auto const others = drive_numbered(part.folder / "2nd_manual", left.twice);
  std::vector<std::string> no_field;
  auto const above =
      part.folder == set.root ? std::string{} : part.folder.filename().string() + "/";
  for (auto const& [number, file] : images) {
    if (!vessels.contains(number)) {
      left.no_mask.push_back(above + number);
      continue;
    }
    if (!fields.contains(number)) no_field.push_back(above + number);
    set.cases.push_back({.id = above + number,
                         .split = part.split,
                         .image = {.file = file},
                         .mask = drive_at(vessels, number),
                         .field_of_view = drive_at(fields, number),
                         .second_reader = drive_at(others, number)});
  }
  for (auto const& [number, file] : vessels) {
    if (!images.contains(number)) left.no_image.push_back(above + number);
  }
  if (!no_field.empty())
    set.notes.push_back(text(no_field.size(), " images have no mask of the field of view (",
                             named(no_field), "): all of each counts"));
}

}  // namespace

std::optional<Dataset> read_drive_layout(fs::path const& root,
                                         ReadOptions const& options,
                                         std::vector<std::string>& /*nearly*/) {
  if (!fs::is_directory(root)) return std::nullopt;
  auto const parts = drive_parts(root);
  if (parts.empty()) return std::nullopt;
  Dataset set{.root = root, .form = "drive", .masks = true};
  set.reader = options.reader;
  set.labels = {mask_label("vessel", 1)};
  set.channels = {"red", "green", "blue"};
  MasksLeftOut left;
  for (auto const& part : parts) drive_add(set, part, left);
  if (set.cases.empty())
    throw Error{Fault::input,
                text("expected images and 1st_manual of the same numbers in ", root,
                     ", got the images ", named(left.no_mask), " and 1st_manual ",
                     named(left.no_image)),
                "names begin with the number of the photograph: 21_training.tif, "
                "21_manual1.gif"};
  tell_left_out(set, left);
  PatientRule{options.patient_from}.apply(set);
  return set;
}

std::string also_drive_layout(fs::path const& root) {
  if (!fs::is_directory(root) || drive_parts(root).empty()) return {};
  return "folders images and 1st_manual";
}

}  // namespace fovea
