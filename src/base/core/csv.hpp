#pragma once

#include "base/core/file.hpp"

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace fovea {

/// A table of text with a header row (RFC 4180, and what spreadsheets really write).
struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;  ///< each as long as `columns`
  char separator = ',';

  /// The index of the first of these names that is a column (any case, blanks trimmed), or -1.
  int find(std::initializer_list<std::string_view> names) const;
};

/// Reads a table: a UTF-8 byte order mark and CR LF are taken off, the separator (comma,
/// semicolon, tab, bar) is the one that splits the header row into most columns, quoted fields
/// may hold separators, doubled quotes and line ends, empty lines are skipped, cells are
/// trimmed when not quoted, a short row is filled up with empty cells, empty cells beyond the
/// last column are dropped. UTF-16 is refused by name. Throws Error{input} with the line
/// number: a row with more cells than columns, an open quote at the end, a column name twice,
/// NUL bytes, more than `rows` rows, 100,000 columns, or
/// far more cells missing than there are.
Table parse_csv(std::string_view words, std::string_view what, std::size_t rows = 20'000'000);
Table read_csv(fs::path const& file);

/// With quotes where they are needed; no line end. What parse_csv reads back is the same.
std::string csv_row(std::vector<std::string> const& cells);

}  // namespace fovea
