#pragma once

#include "learn/train/checkpoint.hpp"
#include "learn/train/movers.hpp"
#include "learn/train/store.hpp"

namespace fovea {

/// All tensors of a run (weights, averages, optimisers, the best weights so far, what the
/// learner keeps), and the learner's own words, into a checkpoint.
void put_tensors(Checkpoint& checkpoint,
                 Learner& learner,
                 Movers const& movers,
                 std::vector<Kept> const& best);

/// Back into learner and movers. The best weights, empty if there are none yet. Throws
/// Error{input} on what is missing or of another size, Json::exception if the words are
/// damaged.
std::vector<Kept> take_tensors(Checkpoint const& checkpoint,
                               Learner& learner,
                               Movers& movers,
                               fs::path const& file);

}  // namespace fovea
