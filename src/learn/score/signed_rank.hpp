#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace fovea {

/// Wilcoxon's signed-rank test of paired differences (Biometrics Bulletin 1945): do they lie
/// about 0?
struct SignedRank {
  std::int64_t pairs =
      0;  ///< whose difference is not 0; the others say nothing and are left out
  std::int64_t zeros = 0;
  double above = 0, below = 0;  ///< sums of the ranks of differences above and below 0
  double p = 1;                 ///< two-sided; 1 without pairs
  std::string method;           ///< "exact" or "normal approximation"
};

/// Ties share the mean of their ranks. Up to 200 pairs p is exact, ties included: the share of
/// all 2^pairs signs that give a sum as far off. Beyond: normal, with corrections for ties and
/// continuity. What differs by a rounding error (1e-12 of the largest) is a tie. Throws
/// Error{bug} on a number that is not finite.
SignedRank signed_rank(std::span<double const> differences);

}  // namespace fovea
