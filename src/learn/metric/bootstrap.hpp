#pragma once

#include "learn/metric/rows.hpp"
#include "learn/metric/statistics.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace fovea {

struct BootstrapOptions {
  int draws = 2000;
  std::uint64_t seed = 0;
  int threads = 1;  ///< the result does not depend on it
};

/// Draws as many patients as there are, with repetition (Efron 1979), and measures each draw:
/// all cases of a patient come together, so that patients with many cases do not feign
/// certainty.
///
/// In      patient: by case, as patients() numbers them; values: how many numbers `measure`
/// writes;
///         measure: gets how often each case was drawn, writes its numbers, NaN where
///         undefined; called from several threads
/// Out     [value][draw]
std::vector<std::vector<double>> bootstrap(
    std::vector<std::size_t> const& patient,
    std::size_t values,
    std::function<void(std::span<double const> weight, std::span<double> out)> const& measure,
    BootstrapOptions const& options);

/// The percentile interval: 2.5 % and 97.5 % of the draws where the value is defined; `method`
/// says how many were not. No bounds (and why) where half the draws or more are undefined, or
/// where there are fewer than two patients.
Interval percentile_interval(Value const& value,
                             std::vector<double> draws,
                             std::size_t patients);

}  // namespace fovea
