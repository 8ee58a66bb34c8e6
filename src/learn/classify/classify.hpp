#pragma once

#include "learn/explain/sanity.hpp"
#include "learn/task/task.hpp"
#include "learn/transform/augment.hpp"

namespace fovea {

/// Images into classes: one label a case, or several.
Task classify_task();

std::span<KeyRow const> classify_keys();
double classify_fits(Dataset const& set);
void classify_plan(Dataset const& set,
                   QualityReport const& quality,
                   Plan& plan,
                   Stop const& stop);
std::vector<Candidate> classify_candidates(Dataset const& set, Plan const& plan);
std::unique_ptr<TaskLearner> classify_learner(Plan const& plan,
                                              Dataset const& set,
                                              Stop const& stop);

/// How the answer falls and rises as pixels are taken out and put in by the map's order, beside
/// random orders.
Removal classify_removal(Model const& model,
                         Volume const& image,
                         ExplainOptions const& options);
Explanation classify_explain(Model const& model,
                             Volume const& image,
                             ExplainOptions const& options);
/// A row of numbers an image, alike for images that look alike to the model: [images, values].
at::Tensor classify_embeddings(Model const& model, std::span<Volume const> images);

/// The plan's network.
Graph network_of(Plan const& plan, Dataset const& set);

/// What the plan says is done to every image.
Prepare prepare_of(Plan const& plan);
Augment augment_of(Plan const& plan);

}  // namespace fovea
