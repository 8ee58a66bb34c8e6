#pragma once

#include "base/core/json.hpp"
#include "learn/data/clean.hpp"
#include "learn/data/dataset.hpp"

namespace fovea {

// What `data` says of any set, whatever its targets.

inline constexpr Split data_splits[] = {Split::train, Split::validation, Split::test,
                                        Split::unassigned};

std::size_t patients_in(Dataset const& set);  ///< that are named

/// {"train": 3, "val": 0, "test": 1, "unassigned": 0}
Json splits_json(Dataset const& set);
/// [{"kind","severe","message","cases"}]
Json problems_json(Dataset const& set, std::vector<Problem> const& problems);
/// As a table for a terminal; some of each kind: a thousand duplicates must not hide the one
/// blank image.
std::string problem_list(std::vector<Problem> const& problems);
/// Patients and notes, a line each.
std::string notes_in_words(Dataset const& set);
/// What reading found, and the first of those that `data clean` leaves out, a line each.
std::string left_out_in_words(Dataset const& set, std::vector<LeftOut> const& left);

/// What one number is in a set: least, usual, most; none of no values.
struct DataRange {
  double low = 0, middle = 0, high = 0;
};
std::optional<DataRange> range_of(std::vector<double> values);
Json range_json(std::optional<DataRange> const& range);  ///< {"low","median","high"} or null
/// A row of a table: name, least, usual, most; nothing is added without a range.
void add_range(std::vector<std::vector<std::string>>& rows,
               std::string const& name,
               std::optional<DataRange> const& range);

}  // namespace fovea
