#pragma once

#include "base/core/json.hpp"
#include "learn/metric/delong.hpp"
#include "learn/metric/rows.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace fovea {

/// Do two models err on different cases more often than chance (McNemar, Psychometrika 1947)?
struct McNemar {
  std::int64_t only_first = 0;  ///< cases that only the first model got right
  std::int64_t only_second = 0;
  double exact_p = 1;      ///< two-sided binomial; what to report for few such cases
  double chi_squared = 0;  ///< with continuity correction (Edwards 1948)
  double chi_squared_p = 1;
};
/// Without any such case both p are 1.
McNemar mcnemar(std::int64_t only_first, std::int64_t only_second);

/// Two models on the same cases.
struct Comparison {
  std::vector<std::string> classes;
  std::vector<AreaTest>
      areas;  ///< two classes: of the second; else of each class against the rest
  std::vector<McNemar>
      right;  ///< single label: one, over all cases; multi-label: of each class
};

/// Throws Error{input} if classes, cases, truth or patients differ.
Comparison compare(ClassRows const& first, ClassRows const& second);

/// {"auc":[{"class","first":{…},"second":{…},"difference":{…},"z","p"}],"mcnemar":[{…}]}
Json to_json(Comparison const& comparison);

}  // namespace fovea
