#pragma once

#include "learn/task/task.hpp"

#include <functional>

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
/// Hears of the case with this index what a model answered, on the case's own grid.
using SegmentAnswered = std::function<void(std::size_t index, Volume const& labels)>;
/// As Task::evaluate; `answered` may be empty.
std::unique_ptr<Evaluation> segment_evaluate(Model const& model,
                                             Dataset const& set,
                                             std::vector<std::size_t> const& cases,
                                             std::uint64_t seed,
                                             SegmentAnswered const& answered,
                                             Stop const& stop);
std::unique_ptr<TaskLearner> segment_learner(Plan const& plan,
                                             Dataset const& set,
                                             Stop const& stop);

}  // namespace fovea
