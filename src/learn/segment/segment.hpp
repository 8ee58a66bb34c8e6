#pragma once

#include "learn/task/task.hpp"

namespace fovea {

/// Every voxel (or pixel) of an image gets a label: organs, lesions, vessels. Plans, prepares
/// and predicts as nnU-Net does (Isensee et al., Nature Methods 2021), inside a time and a
/// memory budget.
Task segment_task();

std::span<KeyRow const> segment_keys();
double segment_fits(Dataset const& set);
void segment_plan(Dataset const& set,
                  QualityReport const& quality,
                  Plan& plan,
                  Stop const& stop);
std::vector<Candidate> segment_candidates(Dataset const& set, Plan const& plan);
std::unique_ptr<TaskLearner> segment_learner(Plan const& plan,
                                             Dataset const& set,
                                             Stop const& stop);

}  // namespace fovea
