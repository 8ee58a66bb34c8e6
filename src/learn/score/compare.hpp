#pragma once

#include "learn/score/score.hpp"
#include "learn/score/signed_rank.hpp"

namespace fovea {

/// Two runs by one metric, over the cases in which both have an answer.
struct ScoreTest {
  std::string metric, label;  ///< the label; "all": the mean over labels, by case
  std::int64_t cases = 0;
  double first = 0, second = 0;  ///< means over these cases; NaN without any
  Interval difference;           ///< mean of first - second; bootstrap by patient
  SignedRank test;
};

/// By metric: of all labels together, and of each where there are several. Throws Error{input}
/// if cases, their patients or labels differ.
std::vector<ScoreTest> compare(ScoreSet const& first,
                               ScoreSet const& second,
                               BootstrapOptions const& options = {});

/// [{"metric","class","cases","first","second","difference":{…},"wilcoxon":{"pairs","zeros",
/// "above","below","p","method"}}]
Json to_json(std::vector<ScoreTest> const& tests);

}  // namespace fovea
