#pragma once

#include "base/core/json.hpp"
#include "learn/train/fit.hpp"

namespace fovea {

/// What must be the same so that going on with a checkpoint makes sense: weights by name, size
/// and type, optimisers, seed, batches.
Json identity_of(std::vector<Group> const& groups, Fit const& options);

/// Throws Error{input} naming the first difference between what the checkpoint `file` was made
/// with and what is asked for now.
void expect_identity(Json const& stored, Json const& now, fs::path const& file);

}  // namespace fovea
