#pragma once

#include "learn/data/dataset.hpp"
#include "learn/plan/plan.hpp"
#include "learn/train/fit.hpp"

namespace fovea {

/// What a plan tells the engine, whatever the run is for: seed, batches, the steps of a pass
/// over the training cases (each comes at least once), threads, averages, the way to run. How
/// long, and where to, is the caller's.
Fit planned(Plan const& plan, Dataset const& set);

/// How a plan moves weights.
Optimiser optimiser_of(Plan const& plan);

}  // namespace fovea
