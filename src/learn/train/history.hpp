#pragma once

#include "base/core/json.hpp"
#include "learn/train/learner.hpp"

#include <string>
#include <utility>
#include <vector>

namespace fovea {

/// What happened, a row for each validation: history.csv. Losses are means over the steps since
/// the row before. A column begins with the first row that has it.
class History {
 public:
  void lost(Losses const& losses);           ///< of one step
  double mean(std::string_view loss) const;  ///< since the last row; NaN if there is none

  /// Ends the row: `before` (step, epoch, …), the mean losses, the scores.
  void row(std::vector<std::pair<std::string, double>> before, Scores const& scores);

  /// With a header; a value that is absent or not a number is an empty cell.
  std::string csv() const;

  Json state() const;
  void restore(Json const& state);

 private:
  std::vector<std::vector<std::pair<std::string, double>>> rows_;
  std::map<std::string, std::pair<double, std::int64_t>, std::less<>> sums_;  ///< and how many
};

}  // namespace fovea
