#pragma once

#include "learn/metric/rows.hpp"

namespace fovea {

/// The area under the ROC curve with the 95 % interval of DeLong, DeLong and Clarke-Pearson
/// (Biometrics 1988), computed by midranks in n log n (Sun and Xu, IEEE Signal Processing
/// Letters 2014), cut to [0, 1]. Where patients have several cases, the variance takes them
/// together (Obuchowski, Biometrics 1997); with one case each that is DeLong's.
///
/// The area is undefined with one class only; the interval alone where there are fewer than two
/// patients of a class. Where all cases of a class rank alike (a perfect model, say) the
/// variance is 0 and the interval has no width: `method` says so.
Interval delong(Binary const& rows);

/// Two areas of the same cases, and whether they differ by more than chance.
struct AreaTest {
  Interval first, second;
  Interval difference;  ///< first minus second
  double z = 0;         ///< NaN where p is
  double p = 1;         ///< two-sided; 1 where both rank all cases alike; NaN if undefined
  std::string why;      ///< why it is undefined
};
/// Throws Error{input} if the cases, their truth or their patients differ.
AreaTest delong_test(Binary const& first, Binary const& second);

}  // namespace fovea
