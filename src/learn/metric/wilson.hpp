#pragma once

#include "learn/metric/rows.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace fovea {

/// A share of trials with its score interval (Wilson 1927), without continuity correction:
/// holds its 95 % also near 0 and 1 and in few trials. `trials` may be a fraction (an effective
/// size). Undefined without trials.
Interval wilson(double hits, double trials);

/// The same for trials of which several are of one patient, and so say less than as many
/// patients would: Wilson's interval with the number of trials divided by the design effect
/// (Rao and Scott 1992), at least 1; where all trials hit or all miss, with the number of
/// patients. Equal to wilson() where no patient has two trials.
///
/// In      hit: by trial 0 or 1; patient: by trial, as patients() numbers them
Interval wilson_by_patient(std::span<std::uint8_t const> hit,
                           std::span<std::size_t const> patient);

}  // namespace fovea
