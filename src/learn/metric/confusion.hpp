#pragma once

#include "learn/metric/ready.hpp"
#include "learn/metric/statistics.hpp"

#include <cstdint>
#include <vector>

namespace fovea {

/// Cases by truth (row) and most probable class (column); unknown truth is left out. As
/// scikit-learn's confusion_matrix. Throws Error{bug} if several labels belong to a case.
std::vector<std::vector<std::int64_t>> confusion_matrix(ClassRows const& rows);

/// Shares of the outcomes of one class against the rest. Undefined, where the share is of
/// nothing: `name` is the class, for the reason.
Value precision(Counts const& counts, std::string const& name);  ///< tp / (tp + fp), also PPV
Value sensitivity(Counts const& counts,
                  std::string const& name);  ///< tp / (tp + fn), also recall
Value specificity(Counts const& counts, std::string const& name);  ///< tn / (tn + fp)
Value negative_value(Counts const& counts,
                     std::string const& name);                  ///< tn / (tn + fn), also NPV
Value f1(Counts const& counts, std::string const& name);        ///< 2 tp / (2 tp + fp + fn)
Value accuracy(Counts const& counts, std::string const& name);  ///< (tp + tn) / all
/// The mean of sensitivity and specificity.
Value balanced_accuracy(Counts const& counts, std::string const& name);

/// All classes' outcomes together: what micro averages are shares of.
Counts summed(std::vector<Counts> const& counts);

}  // namespace fovea
