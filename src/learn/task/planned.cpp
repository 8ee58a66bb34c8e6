#include "learn/task/planned.hpp"

#include "base/core/pool.hpp"

#include <algorithm>

namespace fovea {

Fit planned(Plan const& plan, Dataset const& set) {
  auto const threads =
      plan.whole("threads") > 0 ? static_cast<int>(plan.whole("threads")) : usable_cores();
  auto const cases = static_cast<std::int64_t>(set.labelled(Split::train).size());
  Fit fit;
  fit.seed = static_cast<std::uint64_t>(plan.whole("seed"));
  fit.batch_size = plan.whole("batch_size");
  fit.steps_per_epoch =
      std::max<std::int64_t>(1, (cases + fit.batch_size - 1) / fit.batch_size);
  fit.loader_threads = plan.whole("loader_threads") > 0
                           ? static_cast<int>(plan.whole("loader_threads"))
                           : std::max(1, threads / 2);
  fit.average = plan.fraction("average");
  fit.run_as = plan.word("run_as");
  return fit;
}

Optimiser optimiser_of(Plan const& plan) {
  return {.kind = plan.word("optimiser"),
          .learning_rate = plan.fraction("learning_rate"),
          .weight_decay = plan.fraction("weight_decay"),
          .momentum = plan.fraction("momentum"),
          .beta1 = plan.fraction("beta1"),
          .beta2 = plan.fraction("beta2"),
          .epsilon = plan.fraction("epsilon"),
          .l1 = plan.fraction("l1"),
          .clip = plan.fraction("clip"),
          .schedule = plan.word("schedule"),
          .warm_up = plan.fraction("warm_up"),
          .plateau_after = plan.whole("plateau_after"),
          .plateau_factor = plan.fraction("plateau_factor")};
}

}  // namespace fovea
