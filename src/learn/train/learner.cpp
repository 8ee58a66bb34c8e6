#include "learn/train/learner.hpp"

#include "base/core/error.hpp"

#include <ATen/ops/stack.h>

namespace fovea {

Batch Learner::collate(std::vector<Batch> samples) {
  Batch batch;
  if (samples.empty()) return batch;
  for (auto const& [name, first] : samples.front()) {
    std::vector<at::Tensor> parts;
    parts.reserve(samples.size());
    for (auto const& sample : samples) {
      auto const found = sample.find(name);
      if (found == sample.end() || found->second.sizes() != first.sizes())
        throw Error{Fault::bug, text("the samples of one batch differ in '", name, "'"),
                    "give all samples the same names and sizes, or override collate()"};
      parts.push_back(found->second);
    }
    batch.emplace(name, at::stack(parts));
  }
  return batch;
}

}  // namespace fovea
