#include "learn/data/layout_csv.hpp"

#include "base/core/csv.hpp"
#include "base/core/words.hpp"
#include "learn/data/layout_parts.hpp"

#include <algorithm>
#include <fstream>
#include <set>

namespace fovea {
namespace {

// Which column is what; -1: not there.
struct CsvColumns {
  int path = -1, label = -1, split = -1, patient = -1, weight = -1;
  std::vector<std::size_t> labels;  // of several labels a case
};

CsvColumns csv_find(Table const& table) {
  return {
      .path = table.find({"path", "file", "image", "filename", "file_name", "filepath",
                          "image_path", "image_id"}),
      .label = table.find({"label", "class", "target", "diagnosis"}),
      .split = table.find({"split", "subset", "partition"}),
      .patient = table.find({"patient", "patient_id", "patientid", "subject", "subject_id"}),
      .weight = table.find({"weight", "sample_weight"}),
      .labels = {}};
}

bool csv_taken(CsvColumns const& columns, std::size_t at) {
  auto const i = static_cast<int>(at);
  return i == columns.path || i == columns.label || i == columns.split ||
         i == columns.patient || i == columns.weight;
}

// The answers of `fovea predict` name images and labels, too; learning from them would take
// what a model guessed for what is true.
bool csv_is_answers(Table const& table) {
  return std::ranges::any_of(
      table.columns, [](std::string const& name) { return lower(name).starts_with("score "); });
}

bool csv_could_be(Table const& table) {
  auto const columns = csv_find(table);
  if (columns.path < 0 || csv_is_answers(table)) return false;
  if (columns.label >= 0) return true;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (!csv_taken(columns, i)) return true;
  }
  return false;
}

// 1, 0, unknown; none if the cell is no such answer.
std::optional<std::int32_t> csv_answer(std::string const& cell) {
  struct Word {
    std::string_view word;
    std::int32_t answer;
  };
  static constexpr Word words[] = {{"1", 1},          {"0", 0},        {"", unknown},
                                   {"1.0", 1},        {"0.0", 0},      {"-1", unknown},
                                   {"-1.0", unknown}, {"true", 1},     {"false", 0},
                                   {"nan", unknown},  {"na", unknown}, {"n/a", unknown}};
  for (auto const& row : words) {
    if (row.word == cell) return row.answer;
  }
  auto const folded = lower(cell);
  for (auto const& row : words) {
    if (row.word == folded) return row.answer;
  }
  return std::nullopt;
}

// What tables write where they know no class.
bool csv_says_nothing(std::string const& cell) {
  auto const word = lower(cell);
  return word.empty() || word == "na" || word == "n/a" || word == "nan";
}

// A cell may be a whole book; a message shows how it begins.
std::string csv_quoted(std::string const& cell) {
  constexpr std::size_t most = 80;
  if (cell.size() <= most) return cell;
  auto end = most;
  // Not through the middle of a letter.
  while (end > 0 && (static_cast<unsigned char>(cell[end]) & 0xC0U) == 0x80U) --end;
  return cell.substr(0, end) + "…";
}

// Why a column is no label, or empty: all cells must be answers, and one of them known.
std::string csv_no_label(Table const& table, std::size_t at) {
  auto known = false;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    auto const& cell = table.rows[i][at];
    auto const answer = csv_answer(cell);
    if (!answer) return text("'", csv_quoted(cell), "' in row ", i + 2);
    known = known || *answer != unknown;
  }
  return known ? "" : "no known answer";
}

// Only the beginning is read: a list may hold gigabytes. A name in quotes may run over several
// lines, and empty lines may come first, so lines are added until they parse.
Table csv_header(fs::path const& file) {
  std::ifstream in{file, std::ios::binary};
  std::string words(1 << 16, '\0');
  in.read(words.data(), static_cast<std::streamsize>(words.size()));
  words.resize(static_cast<std::size_t>(in.gcount()));
  auto const name = file.filename().string();
  constexpr int most_lines = 32;
  std::size_t end = 0;
  for (int lines = 1;; ++lines) {
    end = std::min(words.find_first_of("\r\n", end), words.size());
    try {
      return parse_csv(std::string_view{words}.substr(0, end), name);
    } catch (Error const&) {
      if (end >= words.size() || lines == most_lines) throw;
    }
    ++end;
  }
}

std::string csv_cells(std::vector<std::string> const& cells) {
  return cells.empty() ? "no columns" : "columns " + named(cells, 8);
}

// "labels.csv: columns a, b, of which none names the image": why a table is not a list of
// cases.
std::string csv_fault(Table const& table) {
  if (csv_is_answers(table))
    return csv_cells(table.columns) +
           ", which are the answers of a model (score …) and no truth to learn from";
  auto const missing = csv_find(table).path < 0
                           ? "no path, file, image or filename among them"
                           : "no label, class, target or diagnosis, nor any of only 1, 0 and "
                             "empty cells, among them";
  return csv_cells(table.columns) + ", " + missing;
}

// "set.npz#train_images/17".
std::optional<Location> csv_npz_row(std::string const& path) {
  auto const mark = path.rfind(".npz#");
  auto const slash = path.rfind('/');
  if (mark == std::string::npos || slash == std::string::npos || slash < mark + 5)
    return std::nullopt;
  auto const row = whole(std::string_view{path}.substr(slash + 1));
  if (!row || *row < 0) return std::nullopt;
  return Location{path.substr(0, mark + 4), path.substr(mark + 5, slash - mark - 5), *row};
}

// How a cell becomes a file: a folder before it and, where the list leaves it out, an ending.
struct CsvPlace {
  std::string before;
  std::string after;
};

std::string csv_file(CsvPlace const& place, std::string const& path) {
  return (path.starts_with('/') ? path : place.before + path) + place.after;
}

std::vector<CsvPlace> csv_places(fs::path const& folder) {
  std::vector<std::string> before = {folder.string() + "/"};
  for (auto const& inner : view_of(folder).folders) before.push_back(inner.string() + "/");
  before.push_back(folder.string() + "/../");
  constexpr std::size_t most = 64;  // folders of classes or patients are no place of all images
  if (before.size() > most) before = {before.front(), before.back()};
  std::vector<CsvPlace> places;
  for (auto const ending : {"", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif"}) {
    for (auto const& one : before) places.push_back({one, ending});
  }
  return places;
}

// One place for the whole table, so that two files of one name in two folders are never mixed
// up: that which holds most of the first hundred images; the table's own folder if none does.
CsvPlace csv_place(fs::path const& folder,
                   std::vector<std::string> const& paths,
                   FolderCache& cache) {
  auto const places = csv_places(folder);
  auto best = places.front();
  std::ptrdiff_t most = 0;
  auto const first = std::span{paths}.first(std::min<std::size_t>(paths.size(), 100));
  for (auto const& place : places) {
    auto const found = std::ranges::count_if(
        first, [&](auto const& path) { return cache.has(csv_file(place, path)); });
    if (found > most) {
      most = found;
      best = place;
    }
  }
  return best;
}

// Cells as they are written, but for the slashes of Windows.
std::string csv_path(std::string path) {
  if (path.find('/') == std::string::npos) std::ranges::replace(path, '\\', '/');
  return path;
}

// Rows become cases; what cannot is collected, so that one note can tell of all.
class CsvReader {
 public:
  CsvReader(fs::path const& root, ReadOptions const& options) : options_(options) {
    set_.root = root;
    set_.form = "csv";
    set_.reader = options.reader;
  }

  // False if the table has no column of labels.
  bool add(fs::path const& file, Table const& table) {
    file_ = file.filename().string();
    split_of_file_ = split_named(file.stem().string());
    columns_ = csv_find(table);
    if (columns_.label < 0 && !name_labels(table)) return false;
    rows_ += table.rows.size();
    std::vector<std::string> paths;
    for (auto const& row : table.rows)
      paths.push_back(csv_path(row[static_cast<std::size_t>(columns_.path)]));
    auto const folder = fs::absolute(file).parent_path();
    auto const place = csv_place(folder, paths, cache_);
    for (std::size_t i = 0; i < table.rows.size(); ++i)
      add_row(table.rows[i], paths[i], i + 2, place, folder);
    if (place.before != folder.string() + "/" || !place.after.empty())
      set_.notes.push_back(text(
          "the images of ", file_, " are those of ",
          fs::path{place.before}.lexically_normal().lexically_relative(folder).generic_string(),
          place.after.empty() ? "" : " with the ending ", place.after));
    return true;
  }

  // How many rows have an image.
  std::size_t found() const { return set_.cases.size(); }
  std::string why_none() const {
    if (!missing_.empty()) return ", the first missing one is " + missing_.front();
    return unlabelled_.empty() ? "" : ", since no label is known";
  }
  std::size_t rows() const { return rows_; }

  Dataset finish() {
    if (!set_.multi_label) number_classes();
    report(missing_, "missing", "do not exist");
    report(unlabelled_, "unlabelled", "have no label");
    read_rows_from(set_, npz_);
    PatientRule{options_.patient_from}.apply(set_);
    return std::move(set_);
  }

 private:
  static std::string cell(std::vector<std::string> const& row, int column) {
    return column < 0 ? std::string{} : row[static_cast<std::size_t>(column)];
  }

  bool name_labels(Table const& table) {
    std::vector<std::string> names;
    std::vector<std::string> others;  // with what they hold
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      if (csv_taken(columns_, i)) continue;
      auto const reason = csv_no_label(table, i);
      if (reason.empty()) {
        names.push_back(table.columns[i]);
        columns_.labels.push_back(i);
      } else {
        others.push_back(text(csv_quoted(table.columns[i]), " (", reason, ")"));
      }
    }
    if (names.empty()) return false;
    if (!set_.classes.empty() && names != set_.classes)
      throw Error{Fault::input,
                  text("expected the labels ", named(set_.classes, 8), " in ", file_, ", got ",
                       named(names, 8)),
                  "give all tables the same columns"};
    set_.classes = names;
    set_.multi_label = true;
    if (!others.empty())
      set_.notes.push_back(
          text(file_, ": not read as labels, which hold 1, 0 or nothing: ", named(others, 8)));
    return true;
  }

  [[noreturn]] void refuse(std::size_t row,
                           std::string const& expected,
                           std::string const& got,
                           std::string const& remedy) const {
    throw Error{
        Fault::input,
        text(file_, ", row ", row, ": expected ", expected, ", got '", csv_quoted(got), "'"),
        remedy};
  }

  Split split_of(std::vector<std::string> const& row, std::size_t number) const {
    auto const word = cell(row, columns_.split);
    if (word.empty()) return split_of_file_.value_or(Split::unassigned);
    if (auto const split = split_named(word)) return *split;
    std::vector<std::string> const known = {"train", "val", "test"};
    refuse(number, "a split (train, val or test)", word, did_you_mean(word, known));
  }

  double weight_of(std::vector<std::string> const& row, std::size_t number) const {
    auto const word = cell(row, columns_.weight);
    if (word.empty()) return 1;
    auto const weight = fovea::number(word);
    if (!weight || *weight < 0)
      refuse(number, "a weight of 0 or more", word, "correct the row");
    // Floats hold sums of such weights; where more is asked for, the unit is wrong.
    constexpr double heaviest = 1e6;
    if (*weight > heaviest)
      refuse(number, "a weight of at most 1000000", word,
             "only their ratios matter: scale them");
    return *weight;
  }

  std::optional<Location> location_of(std::string const& path,
                                      CsvPlace const& place,
                                      fs::path const& folder) {
    if (path.empty()) return std::nullopt;
    if (auto row = csv_npz_row(path)) {
      row->file = folder / row->file;
      auto const known = cache_.has(row->file.string()) ? npz_->shapes(row->file)
                                                        : std::map<std::string, Array>{};
      auto const array = known.find(row->member);
      if (array == known.end() || array->second.shape.empty() ||
          row->row >= array->second.shape[0])
        return std::nullopt;
      return row;
    }
    auto const file = csv_file(place, path);
    if (!cache_.has(file)) return std::nullopt;
    return Location{.file = file};
  }

  std::vector<std::int32_t> labels_of(std::vector<std::string> const& row, std::size_t number) {
    std::vector<std::int32_t> labels;
    for (auto const at : columns_.labels) labels.push_back(*csv_answer(row[at]));
    if (set_.multi_label) return labels;
    auto const name = cell(row, columns_.label);
    if (csv_says_nothing(name)) return {};
    constexpr std::size_t longest = 200;
    if (name.size() > longest)
      refuse(number, text("a label of at most ", longest, " bytes"), name,
             "name classes briefly; check the separator and the quotes");
    auto const [known, fresh] =
        index_.try_emplace(name, static_cast<std::int32_t>(set_.classes.size()));
    if (fresh) set_.classes.push_back(name);
    return {known->second};
  }

  // Ids stay unique where a list names a file twice.
  std::string id_of(std::string const& path, std::size_t number) {
    if (ids_.insert(path).second) return path;
    auto id = text(path, " (", file_, " row ", number, ")");
    ids_.insert(id);
    return id;
  }

  void add_row(std::vector<std::string> const& row,
               std::string const& path,
               std::size_t number,
               CsvPlace const& place,
               fs::path const& folder) {
    auto const split = split_of(row, number);
    auto const weight = weight_of(row, number);
    auto where = location_of(path, place, folder);
    if (!where) {
      missing_.push_back(
          text(path.empty() ? "(no name)" : csv_quoted(path), " (row ", number, ")"));
      return;
    }
    auto labels = labels_of(row, number);
    if (labels.empty()) {
      unlabelled_.push_back(text(csv_quoted(path), " (row ", number, ")"));
      return;
    }
    set_.cases.push_back({.id = id_of(path, number),
                          .patient = cell(row, columns_.patient),
                          .split = split,
                          .weight = weight,
                          .image = std::move(*where),
                          .labels = std::move(labels)});
  }

  // Classes were numbered as they came; their order must not depend on that of the rows.
  void number_classes() {
    auto const came = set_.classes;
    std::ranges::sort(set_.classes, natural_less);
    std::vector<std::int32_t> now;
    for (auto const& name : came)
      now.push_back(static_cast<std::int32_t>(
          std::ranges::lower_bound(set_.classes, name, natural_less) - set_.classes.begin()));
    for (auto& one : set_.cases) one.labels[0] = now[static_cast<std::size_t>(one.labels[0])];
  }

  void report(std::vector<std::string> const& names,
              std::string const& kind,
              std::string const& what) {
    if (names.empty()) return;
    set_.problems.push_back({kind,
                             text(names.size(), " of ", rows_, " images in the list ", what,
                                  " and are left out: ", named(names, 5)),
                             {},
                             false});
  }

  ReadOptions const& options_;
  Dataset set_;
  std::string file_;
  std::optional<Split> split_of_file_;
  CsvColumns columns_;
  FolderCache cache_;
  std::shared_ptr<NpzRows> npz_ = std::make_shared<NpzRows>();
  std::map<std::string, std::int32_t> index_;
  std::unordered_set<std::string> ids_;
  std::vector<std::string> missing_;
  std::vector<std::string> unlabelled_;
  std::size_t rows_ = 0;
};

std::string csv_archives(fs::path const& folder) {
  std::vector<std::string> names;
  for (auto const& file : files_ending(folder, {".tar", ".zip", ".gz", ".tgz", ".7z"}))
    names.push_back(file.filename().string());
  return names.empty()
             ? ""
             : text("; they may lie in ", named(names), ", which are not unpacked here");
}

bool csv_are_splits(std::vector<fs::path> const& files) {
  return std::ranges::all_of(files, [](fs::path const& file) {
    return split_named(file.stem().string()).has_value();
  });
}

// None, and why in `fault`, if the tables list nothing that can be used.
std::optional<Dataset> csv_set(fs::path const& root,
                               std::vector<fs::path> const& files,
                               ReadOptions const& options,
                               std::string& fault) {
  CsvReader reader{root, options};
  for (auto const& file : files) {
    auto const table = read_csv(file);
    if (!csv_could_be(table) || !reader.add(file, table)) {
      fault = text(file.filename().string(), ": ", csv_fault(table));
      return std::nullopt;
    }
  }
  if (reader.found() > 0) return reader.finish();
  fault = text(files.front().filename().string(), ": none of the ", reader.rows(),
               " listed images can be used", reader.why_none(),
               csv_archives(files.front().parent_path()));
  return std::nullopt;
}

std::vector<fs::path> csv_candidates(fs::path const& root, std::vector<std::string>* nearly) {
  std::vector<fs::path> fitting;
  auto const pass_over = [&](fs::path const& file, std::string const& reason) {
    if (nearly != nullptr) nearly->push_back(text(file.filename().string(), ": ", reason));
  };
  for (auto const& file : files_ending(root, {".csv", ".tsv"})) {
    // A table that somebody left in the folder must not hide the set beside it.
    try {
      auto const header = csv_header(file);
      if (csv_could_be(header)) {
        fitting.push_back(file);
      } else {
        pass_over(file, csv_fault(header));
      }
    } catch (Error const& error) {
      if (error.fault() != Fault::input) throw;
      pass_over(file, error.what());
    }
  }
  return fitting;
}

}  // namespace

std::optional<Dataset> read_csv_layout(fs::path const& root,
                                       ReadOptions const& options,
                                       std::vector<std::string>& nearly) {
  std::string fault;
  if (!fs::is_directory(root)) {
    auto const files = files_ending(root, {".csv", ".tsv"});
    if (files.empty()) return std::nullopt;
    if (auto set = csv_set(root, files, options, fault)) return set;
    throw Error{Fault::input, "expected a list of images, got " + fault,
                "name the columns path and label (optional: split, patient, weight); paths are "
                "relative to the table's folder"};
  }
  auto const files = csv_candidates(root, &nearly);
  if (files.empty()) return std::nullopt;
  if (files.size() == 1 || csv_are_splits(files)) {
    auto set = csv_set(root, files, options, fault);
    if (!set) nearly.push_back(fault);
    return set;
  }
  std::vector<std::string> names;
  for (auto const& file : files) names.push_back(file.filename().string());
  throw Error{Fault::input,
              text("expected one list of images in ", root, ", got ", files.size(), ": ",
                   named(names, 8)),
              "pass one of these files (train.csv, val.csv and test.csv are read as one set)"};
}

std::string also_csv_layout(fs::path const& root) {
  auto const files = csv_candidates(root, nullptr);
  std::vector<std::string> names;
  for (auto const& file : files) names.push_back(file.filename().string());
  return names.empty() ? "" : named(names);
}

}  // namespace fovea
