#include "learn/train/history.hpp"

#include "base/core/csv.hpp"
#include "base/core/words.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace fovea {

void History::lost(Losses const& losses) {
  for (auto const& [name, value] : losses) {
    auto& [sum, count] = sums_[name];
    sum += value;
    ++count;
  }
}

double History::mean(std::string_view loss) const {
  auto const found = sums_.find(loss);
  if (found == sums_.end()) return std::numeric_limits<double>::quiet_NaN();
  return found->second.first / static_cast<double>(found->second.second);
}

void History::row(std::vector<std::pair<std::string, double>> before, Scores const& scores) {
  for (auto const& [name, sum] : sums_) before.emplace_back(name, mean(name));
  for (auto const& score : scores) before.emplace_back(score.name, score.value);
  rows_.push_back(std::move(before));
  sums_.clear();
}

std::string History::csv() const {
  std::vector<std::string> columns;
  for (auto const& row : rows_)
    for (auto const& [name, value] : row)
      if (std::ranges::find(columns, name) == columns.end()) columns.push_back(name);
  auto words = csv_row(columns) + "\n";
  for (auto const& row : rows_) {
    std::vector<std::string> cells;
    for (auto const& column : columns) {
      auto const cell = std::ranges::find(row, column, &std::pair<std::string, double>::first);
      cells.push_back(
          cell == row.end() || !std::isfinite(cell->second) ? "" : spelled(cell->second));
    }
    words += csv_row(cells) + "\n";
  }
  return words;
}

Json History::state() const {
  auto rows = Json::array();
  for (auto const& row : rows_) {
    auto cells = Json::array();
    for (auto const& [name, value] : row) cells.push_back({name, value});
    rows.push_back(cells);
  }
  auto sums = Json::array();
  for (auto const& [name, sum] : sums_) sums.push_back({name, sum.first, sum.second});
  return {{"rows", rows}, {"sums", sums}};
}

void History::restore(Json const& state) {
  constexpr auto nan = std::numeric_limits<double>::quiet_NaN();  // JSON has null in its place
  rows_.clear();
  sums_.clear();
  for (auto const& row : state.at("rows")) {
    auto& cells = rows_.emplace_back();
    for (auto const& cell : row)
      cells.emplace_back(cell.at(0).get<std::string>(),
                         cell.at(1).is_null() ? nan : cell.at(1).get<double>());
  }
  for (auto const& sum : state.at("sums"))
    sums_[sum.at(0).get<std::string>()] = {sum.at(1).get<double>(),
                                           sum.at(2).get<std::int64_t>()};
}

}  // namespace fovea
