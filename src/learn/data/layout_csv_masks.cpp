#include "learn/data/layout_csv_masks.hpp"

#include "base/core/csv.hpp"
#include "base/core/json.hpp"
#include "base/core/words.hpp"
#include "learn/data/layout_masks.hpp"
#include "learn/data/layout_parts.hpp"

#include <algorithm>
#include <fstream>
#include <set>

namespace fovea {
namespace {

struct MaskColumns {
  int image = -1, mask = -1, field = -1, second = -1, split = -1, patient = -1, weight = -1;
  std::vector<int> more;  // further channels

  bool fit() const { return image >= 0 && mask >= 0; }
};

std::string mask_cell(std::vector<std::string> const& row, int column) {
  return column < 0 ? std::string{} : row[static_cast<std::size_t>(column)];
}

// A column named label holds masks if its first cells are names of images.
int mask_column_of(Table const& table) {
  auto const mask = table.find({"mask", "mask_path", "mask_file", "segmentation", "seg"});
  if (mask >= 0) return mask;
  auto const label = table.find({"label", "label_path"});
  if (label < 0) return -1;
  auto named_files = false;
  for (std::size_t i = 0; i < std::min<std::size_t>(table.rows.size(), 20); ++i) {
    auto const cell = mask_cell(table.rows[i], label);
    if (cell.empty()) continue;
    if (image_stem(cell).empty()) return -1;
    named_files = true;
  }
  return named_files ? label : -1;
}

MaskColumns mask_columns(Table const& table) {
  MaskColumns out{
      .image = table.find({"image", "path", "file", "filename", "file_name", "image_path"}),
      .mask = mask_column_of(table),
      .field = table.find({"field_of_view", "fov"}),
      .second = table.find({"second_reader", "mask_2"}),
      .split = table.find({"split", "subset", "partition"}),
      .patient = table.find({"patient", "patient_id", "patientid", "subject", "subject_id"}),
      .weight = table.find({"weight", "sample_weight"}),
      .more = {}};
  constexpr int most = 64;
  for (int channel = 2; channel <= most; ++channel) {
    auto const column = table.find({text("image_", channel)});
    if (column < 0) break;
    out.more.push_back(column);
  }
  return out;
}

// Rows of tables become cases.
class MaskTable {
 public:
  MaskTable(Dataset& set, MasksLeftOut& left) : set_(set), left_(left) {}

  void add(fs::path const& file, Table const& table) {
    columns_ = mask_columns(table);
    file_ = file.filename().string();
    folder_ = fs::absolute(file).parent_path();
    split_of_file_ = split_named(file.stem().string());
    for (std::size_t i = 0; i < table.rows.size(); ++i) add_row(table.rows[i], i + 2);
  }

 private:
  [[noreturn]] void refuse(std::size_t row,
                           std::string const& expected,
                           std::string const& got) const {
    throw Error{Fault::input,
                text(file_, ", row ", row, ": expected ", expected, ", got '",
                     printable(got.substr(0, 80), {}), "'"),
                "correct the row"};
  }

  Split split_of(std::vector<std::string> const& row, std::size_t number) const {
    auto const word = mask_cell(row, columns_.split);
    if (word.empty()) return split_of_file_.value_or(Split::unassigned);
    if (auto const split = split_named(word)) return *split;
    refuse(number, "a split (train, val or test)", word);
  }

  double weight_of(std::vector<std::string> const& row, std::size_t number) const {
    auto const word = mask_cell(row, columns_.weight);
    if (word.empty()) return 1;
    auto const weight = fovea::number(word);
    constexpr double heaviest = 1e6;
    if (!weight || *weight < 0 || *weight > heaviest)
      refuse(number, "a weight from 0 to 1000000", word);
    return *weight;
  }

  // Empty if the cell is, or names what is not there.
  Location at(std::string path) {
    if (path.empty()) return {};
    if (path.find('/') == std::string::npos) std::ranges::replace(path, '\\', '/');
    auto const file = (folder_ / path).lexically_normal();
    return cache_.has(file.string()) ? Location{.file = file} : Location{};
  }

  void add_row(std::vector<std::string> const& row, std::size_t number) {
    auto const path = mask_cell(row, columns_.image);
    auto const shown = printable(path.substr(0, 80), {});
    Case one{.id = path,
             .patient = mask_cell(row, columns_.patient),
             .split = split_of(row, number),
             .weight = weight_of(row, number),
             .image = at(path),
             .mask = at(mask_cell(row, columns_.mask)),
             .field_of_view = at(mask_cell(row, columns_.field)),
             .second_reader = at(mask_cell(row, columns_.second))};
    for (auto const column : columns_.more) {
      auto const channel = at(mask_cell(row, column));
      if (channel.file.empty()) {
        left_.no_image.push_back(text("row ", number, " of ", file_, " (a channel)"));
        return;
      }
      one.channels.push_back(channel);
    }
    if (one.image.file.empty()) {
      left_.no_image.push_back(text(shown, " (row ", number, ")"));
      return;
    }
    if (one.mask.file.empty()) {
      left_.no_mask.push_back(text(shown, " (row ", number, ")"));
      return;
    }
    if (columns_.field >= 0 && one.field_of_view.file.empty() &&
        !mask_cell(row, columns_.field).empty())
      refuse(number, "a file of the field of view that is there",
             mask_cell(row, columns_.field));
    if (!ids_.insert(one.id).second) {
      one.id = text(path, " (", file_, " row ", number, ")");
      ids_.insert(one.id);
    }
    set_.cases.push_back(std::move(one));
  }

  Dataset& set_;
  MasksLeftOut& left_;
  MaskColumns columns_;
  std::string file_;
  fs::path folder_;
  std::optional<Split> split_of_file_;
  FolderCache cache_;
  std::set<std::string> ids_;
};

// The tables of masks in a folder, or `root` itself if it is one.
struct MaskTableFile {
  fs::path file;
  Table table;
};

// Its first rows, so that a long list of something else is not read for nothing.
Table mask_table_head(fs::path const& file) {
  constexpr std::size_t most = 1 << 18;
  std::ifstream in{file, std::ios::binary};
  std::string words(most, '\0');
  in.read(words.data(), static_cast<std::streamsize>(words.size()));
  words.resize(static_cast<std::size_t>(in.gcount()));
  if (words.size() == most) words.resize(words.rfind('\n') + 1);
  return parse_csv(words, file.filename().string());
}

std::vector<MaskTableFile> mask_tables(fs::path const& root) {
  std::vector<MaskTableFile> out;
  for (auto const& file : files_ending(root, {".csv", ".tsv"})) {
    // What cannot be read as a table is told of by the row of tables of classes.
    try {
      if (!mask_columns(mask_table_head(file)).fit()) continue;
    } catch (Error const& error) {
      if (error.fault() != Fault::input) throw;
      continue;
    }
    out.push_back({file, read_csv(file)});
  }
  return out;
}

// LIST.json beside LIST.csv, if it says what labels are.
std::optional<DatasetFile> mask_table_labels(fs::path const& table) {
  auto file = table;
  file.replace_extension(".json");
  std::error_code ignored;
  if (!fs::is_regular_file(file, ignored)) return std::nullopt;
  auto const json = read_json(file);
  if (!json.is_object() || !json.contains("labels") || !json.at("labels").is_object())
    return std::nullopt;
  return read_dataset_file(json, file.filename().string());
}

}  // namespace

std::optional<Dataset> read_csv_masks_layout(fs::path const& root,
                                             ReadOptions const& options,
                                             std::vector<std::string>& nearly) {
  auto const tables = mask_tables(root);
  if (tables.empty()) return std::nullopt;
  auto const splits = std::ranges::all_of(tables, [](MaskTableFile const& one) {
    return split_named(one.file.stem().string()).has_value();
  });
  if (tables.size() > 1 && !splits)
    throw Error{
        Fault::input,
        text("expected one list of images and masks in ", root, ", got ", tables.size()),
        "pass one of these files (train.csv, val.csv and test.csv are read as one set)"};
  Dataset set{.root = root, .form = "csv-masks", .masks = true};
  set.reader = options.reader;
  MasksLeftOut left;
  MaskTable rows{set, left};
  for (auto const& one : tables) rows.add(one.file, one.table);
  if (set.cases.empty()) {
    auto const fault = text(tables.front().file.filename().string(),
                            ": no row has an image and a mask that are there (no image: ",
                            named(left.no_image), "; no mask: ", named(left.no_mask), ")");
    if (fs::is_directory(root)) {
      nearly.push_back(fault);
      return std::nullopt;
    }
    throw Error{Fault::input, "expected a list of images and masks, got " + fault,
                "paths are relative to the table's folder"};
  }
  tell_left_out(set, left);
  PatientRule{options.patient_from}.apply(set);
  auto const declared =
      tables.size() == 1 ? mask_table_labels(tables.front().file) : std::nullopt;
  if (declared) {
    take_labels(set, *declared);
    return set;
  }
  if (!fs::is_directory(root)) set.root = fs::absolute(root).parent_path();
  find_labels(set);
  set.root = root;
  return set;
}

std::string also_csv_masks_layout(fs::path const& root) {
  auto const tables = mask_tables(root);
  return tables.empty() ? "" : tables.front().file.filename().string();
}

}  // namespace fovea
