#pragma once

#include "base/core/json.hpp"
#include "learn/window/predict.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace fovea {

/// How sure a model is of the structures of a case: the Dice that its own answer would have if
/// its probabilities were right, 2 sum of p inside / (voxels inside + sum of p everywhere).
/// They are means over mirror images and networks, so where these disagree it falls. By
/// structure; none where nothing of it was found.
using Sureness = std::vector<std::optional<double>>;

/// Sums it up block by block, on the side of a prediction.
class SurenessSums {
 public:
  /// `structures`: of the model; without `regions` output 0 is the background.
  SurenessSums(std::size_t structures, bool regions);
  void add(ProbabilityBlock const& block);
  Sureness values() const;

 private:
  struct Sums {
    double inside = 0, everywhere = 0;
    std::int64_t voxels = 0;
  };
  bool regions_;
  std::vector<Sums> sums_;
};

/// From sureness to the Dice to expect of one structure, learnt on validation: a straight line.
struct ExpectedLine {
  double slope = 1, offset = 0;
  double error = 0;  ///< root mean square on validation, each case by the line of the others
  std::int64_t cases = 0;  ///< that it was learnt on; 0: too few, nothing is expected

  double at(double sureness) const;                                ///< from 0 to 1
  std::optional<double> of(std::optional<double> sureness) const;  ///< none without either
};

/// One case of validation.
struct SureCase {
  double sureness = 0, dice = 0;
};
/// Least squares, drawn towards slope 1 as a prior of a few cases would, so that few cases or
/// equal ones cannot tilt it; never below 0. Without three cases nothing is expected.
ExpectedLine expected_line(std::span<SureCase const> cases);

/// How well the Dice to expect (as `sureness`) told the Dice of some cases.
struct ExpectedWorth {
  std::int64_t cases = 0;
  double mean_error = 0;  ///< mean of |expected - true|
  std::optional<double>
      spearman{};  ///< of ranks, ties sharing theirs; none if a side has but one
};
ExpectedWorth expected_worth(std::span<SureCase const> cases);

Json expected_json(std::vector<ExpectedLine> const& lines);
/// Empty of a model that says nothing. Throws Error{input} if it is damaged, or of another
/// number of structures.
std::vector<ExpectedLine> read_expected(Json const& json, std::size_t structures);

}  // namespace fovea
