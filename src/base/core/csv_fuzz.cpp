#include "base/core/csv.hpp"
#include "base/core/error.hpp"

#include <cstdint>

// Any bytes: a table whose rows are all as long as its header, and read back the same, or an
// Error.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  try {
    auto const table =
        fovea::parse_csv({reinterpret_cast<char const*>(data), size}, "input", 10'000);
    auto words = fovea::csv_row(table.columns) + "\n";
    for (auto const& row : table.rows) {
      if (row.size() != table.columns.size()) __builtin_trap();
      words += fovea::csv_row(row) + "\n";
    }
    auto const again = fovea::parse_csv(words, "written", 10'000);
    if (again.columns != table.columns || again.rows != table.rows) __builtin_trap();
  } catch (fovea::Error const&) {
  }
  return 0;
}
