#include "base/core/csv.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <set>

namespace fovea {
namespace {

constexpr std::string_view csv_mark = "\xef\xbb\xbf";  // UTF-8's byte order mark
constexpr std::size_t csv_columns = 100'000;
// Short rows are filled up, so a wide header over many short rows asks for far more than the
// file holds: so many empty cells are added for each one that is there, and no more.
constexpr std::size_t csv_filled = 1'000'000;
constexpr std::size_t csv_filled_each = 16;

bool csv_blank(char c) {
  return c == ' ' || c == '\t';
}

// One record after the other out of the words; `line` is that of the record's first character.
class CsvScan {
 public:
  CsvScan(std::string_view words, std::string_view what, char separator)
      : words_(words), what_(what), separator_(separator) {}

  int line() const { return started_; }

  // The next record that is not an empty line, or none at the end.
  bool next(std::vector<std::string>& cells) {
    while (at_ < words_.size()) {
      started_ = line_;
      cells.clear();
      auto const begin = at_;
      do cells.push_back(cell());
      while (separated());
      auto const empty =
          trimmed(words_.substr(begin, at_ - begin)).empty() && cells.size() == 1;
      end_line();
      if (!empty) return true;
    }
    return false;
  }

  [[noreturn]] void refuse(std::string const& found, std::string const& remedy) const {
    throw Error{Fault::input, text(what_, ", line ", started_, ": ", found), remedy};
  }

 private:
  bool here(char c) const { return at_ < words_.size() && words_[at_] == c; }
  bool at_end() const { return at_ >= words_.size() || here('\n') || here('\r'); }

  bool separated() {
    if (!here(separator_)) return false;
    ++at_;
    return true;
  }

  void end_line() {  // LF, CR LF, or the CR of old spreadsheets
    if (here('\r')) {
      ++at_;
      if (!here('\n')) ++line_;
    }
    if (here('\n')) {
      ++at_;
      ++line_;
    }
  }

  std::string cell() {
    auto first = at_;
    while (first < words_.size() && csv_blank(words_[first]) && words_[first] != separator_)
      ++first;
    if (first < words_.size() && words_[first] == '"') {
      at_ = first + 1;
      return quoted();
    }
    auto const begin = at_;
    while (!at_end() && words_[at_] != separator_) ++at_;
    return std::string{trimmed(words_.substr(begin, at_ - begin))};
  }

  std::string quoted() {
    std::string out;
    while (at_ < words_.size()) {
      auto const c = words_[at_++];
      if (c == '\n') ++line_;
      if (c != '"') {
        out += c;
      } else if (here('"')) {
        out += words_[at_++];
      } else {
        while (!at_end() && csv_blank(words_[at_]) && words_[at_] != separator_) ++at_;
        if (!at_end() && words_[at_] != separator_)
          refuse("expected the end of the cell after its closing quote, got more text",
                 "write a quote inside a quoted cell twice");
        return out;
      }
    }
    refuse("expected a closing quote, got the end of the file", "close the quote");
  }

  std::string_view words_;
  std::string_view what_;
  char separator_;
  std::size_t at_ = 0;
  int line_ = 1;
  int started_ = 1;
};

// How many separators the header row has outside of quotes.
std::ptrdiff_t csv_count(std::string_view row, char separator) {
  auto inside = false;
  std::ptrdiff_t count = 0;
  for (auto const c : row) {
    if (c == '"') inside = !inside;
    if (!inside && (c == '\n' || c == '\r')) break;
    if (!inside && c == separator) ++count;
  }
  return count;
}

char csv_separator(std::string_view words) {
  auto const start = words.find_first_not_of("\r\n");
  auto const row = start == std::string_view::npos ? std::string_view{} : words.substr(start);
  constexpr std::array candidates = {',', ';', '\t', '|'};
  return *std::ranges::max_element(candidates, {}, [&](char c) { return csv_count(row, c); });
}

std::string_view csv_checked(std::string_view words, std::string_view what) {
  if (words.starts_with("\xff\xfe") || words.starts_with("\xfe\xff"))
    throw Error{Fault::input, text("expected a table in UTF-8, got ", what, " in UTF-16"),
                "save it as UTF-8"};
  if (words.find('\0') != std::string_view::npos)
    throw Error{Fault::input, text("expected a table as text, got zero bytes in ", what),
                "save it as CSV in UTF-8"};
  if (words.starts_with(csv_mark)) words.remove_prefix(csv_mark.size());
  return words;
}

void csv_check_names(CsvScan const& scan, std::vector<std::string> const& names) {
  if (names.size() > csv_columns)
    scan.refuse(text("expected at most ", csv_columns, " columns, got ", names.size()),
                "split the table");
  std::set<std::string_view> seen;
  for (auto const& name : names) {
    // Spreadsheets leave nameless columns behind; nobody can ask for them, so they may repeat.
    if (!name.empty() && !seen.insert(name).second)
      scan.refuse(text("the column '", name, "' occurs twice"), "rename one of them");
  }
}

}  // namespace

int Table::find(std::initializer_list<std::string_view> names) const {
  for (auto const name : names) {
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (lower(trimmed(columns[i])) == lower(trimmed(name))) return static_cast<int>(i);
    }
  }
  return -1;
}

Table parse_csv(std::string_view words, std::string_view what, std::size_t rows) {
  words = csv_checked(words, what);
  Table table{.columns = {}, .rows = {}, .separator = csv_separator(words)};
  CsvScan scan{words, what, table.separator};
  if (!scan.next(table.columns))
    throw Error{Fault::input, text("expected a table with a header row, got nothing in ", what),
                "write the names of the columns into the first line"};
  csv_check_names(scan, table.columns);
  auto const wide = table.columns.size();
  auto there = wide;
  std::size_t filled = 0;
  for (std::vector<std::string> cells; scan.next(cells);) {
    while (cells.size() > wide && cells.back().empty()) cells.pop_back();
    if (cells.size() > wide)
      scan.refuse(text("expected ", wide, " cells, got ", cells.size()),
                  "quote cells that hold the separator");
    if (table.rows.size() == rows)
      scan.refuse(text("expected at most ", rows, " rows"), "split the table");
    there += cells.size();
    filled += wide - cells.size();
    if (filled > csv_filled + csv_filled_each * there)
      scan.refuse(text("expected rows of ", wide, " cells, got too many short ones"),
                  "check the separator and the header row");
    cells.resize(wide);
    table.rows.push_back(std::move(cells));
    cells = {};
  }
  return table;
}

Table read_csv(fs::path const& file) {
  return parse_csv(read_text(file, 4ULL << 30), text(file));
}

std::string csv_row(std::vector<std::string> const& cells) {
  // A lone empty cell would be an empty line, which readers skip.
  if (cells.size() == 1 && cells[0].empty()) return "\"\"";
  std::string out;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) out += ',';
    auto const& cell = cells[i];
    auto const quote = cell.find_first_of(",;|\t\"\r\n") != std::string::npos ||
                       trimmed(cell) != cell || cell.starts_with(csv_mark);
    if (quote) out += '"';
    for (auto const c : cell) {
      if (c == '"') out += c;
      out += c;
    }
    if (quote) out += '"';
  }
  return out;
}

}  // namespace fovea
